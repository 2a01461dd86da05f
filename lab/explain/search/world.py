"""The objects that one side or the other may have, with what git knows of each, and rules that change all of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.explain.search.checkout import FOLDER, LINK, NO_CHECKOUT, Checkout, Tracked, blob_here
from lab.explain.search.sorts import Alike, Modes, sort_of

NOBODY: frozenset[int] = frozenset()
NO_ENTRIES: Mapping[int, Entry] = {}
NO_ATTRIBUTES: Mapping[int, Mapping[str, bytes]] = {}
LFS = b"version https://git-lfs.github.com/spec/v1\n"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule on all objects of a world. The first rule of each kind changes nothing.

    `name` names it in a list of what was tried. `rank` is 0 for no change; a likely rule has a lower rank than an
    unlikely one. `absent` are the objects that the producer does not have (of those that this side has) and `added`
    those of the others that it has. `replaced` are objects with another content or type. `attributes` are the extended
    attributes of objects that have others. `modes` gives the mode of every object; None is the mode of this side.
    """

    name: str
    rank: int
    absent: frozenset[int] = NOBODY
    added: frozenset[int] = NOBODY
    replaced: Mapping[int, Entry] = field(default_factory=lambda: NO_ENTRIES)
    attributes: Mapping[int, Mapping[str, bytes]] = field(default_factory=lambda: NO_ATTRIBUTES)
    modes: Modes | None = None


class Choice(NamedTuple):
    """One rule of each kind, by its number in the list of that kind."""

    presence: int = 0
    links: int = 0
    contents: int = 0
    attributes: int = 0
    modes: int = 0


@dataclass(frozen=True)
class World:
    """The objects of this side, then those that only git knows.

    `used` are the numbers of the objects that a digest may use; the contents of others are not looked at. `here` is the
    number of the objects of this side. `tracked` has for each object what git's index says. `naming` says how the names
    of objects were changed.
    """

    objects: Sequence[Entry]
    used: Collection[int]
    here: int
    tracked: Sequence[Tracked | None]
    checkout: Checkout = NO_CHECKOUT
    naming: str | None = None

    @cached_property
    def parents(self) -> list[int]:
        """The number of each object's folder; -1 for an object at the top, or if the folder is no object."""
        numbers = {entry.path: number for number, entry in enumerate(self.objects)}
        return [numbers.get(entry.path.rpartition("/")[0], -1) for entry in self.objects]

    @cached_property
    def outer_first(self) -> list[int]:
        """The numbers of the objects of this side, each folder before what is in it."""
        return sorted(range(self.here), key=lambda number: self.objects[number].path.count("/"))

    @cached_property
    def folders(self) -> frozenset[int]:
        """The numbers of the folders."""
        return frozenset(number for number, entry in enumerate(self.objects) if entry.kind is Kind.DIR)

    def folders_above(self, numbers: Iterable[int]) -> set[int]:
        """Return the numbers of all folders that contain one of these objects, and -1 for the root."""
        parents = self.parents
        found, new = {-1}, set(map(parents.__getitem__, numbers))
        while new := new - found:
            found |= new
            new = set(map(parents.__getitem__, new))
        return found

    @cached_property
    def alike(self) -> Alike:
        """The objects in classes to which every rule on modes gives one mode."""
        return Alike.of(self.objects, self.tracked)

    def modes(self, modes: Modes | None) -> list[int]:
        """Return the mode of each object under a rule."""
        return self.alike.modes(modes)

    def mode(self, modes: Modes, number: int, entry: Entry) -> int:
        """Return the mode of one variant of an object under a rule."""
        return modes.of(sort_of(entry, self.tracked[number] if modes.by_index else None), entry.mode)

    def absent(self, presence: Rule) -> frozenset[int]:
        """Return the objects that the producer does not have."""
        return presence.absent | (frozenset(range(self.here, len(self.objects))) - presence.added)

    @cached_property
    def blobs(self) -> Mapping[int, bytes]:
        """The contents in git's index of the tracked files that are used and whose content is in memory.

        Files whose content in a checkout is not that of the index (git LFS, `ident`, an encoding) are left out.
        """
        found: dict[int, bytes] = {}
        other: dict[int, str] = {}
        for number in self.used:
            entry, item = self.objects[number], self.tracked[number]
            if item is None or item.mode in (LINK, FOLDER) or item.attributes.keys() & FILTERS:
                continue
            if not isinstance(entry.content, bytes) or entry.kind is not Kind.FILE or number >= self.here:
                continue
            blob = blob_here(entry.content, item)
            if blob is None:
                other[number] = item.name
            else:
                found[number] = blob
        contents = self.checkout.blobs(sorted(set(other.values()))) if other else {}
        found |= {number: contents[name] for number, name in other.items() if name in contents}
        found |= {number: bytes(entry.content or b"") for number, entry in self._others()}  # type: ignore[arg-type]
        return found

    def _others(self) -> Iterator[tuple[int, Entry]]:
        """Yield the files that only git knows."""
        for number in range(self.here, len(self.objects)):
            item = self.tracked[number]
            if self.objects[number].kind is Kind.FILE and item and not item.attributes.keys() & FILTERS:
                yield number, self.objects[number]


FILTERS = frozenset({"filter", "ident", "working-tree-encoding"})


def world(entries: Sequence[Entry], used: Collection[int], checkout: Checkout, naming: str | None = None) -> World:
    """Return the world of the objects of this side and of the tracked files that this side does not have."""
    by_fold: dict[str, str] = {}
    for path in checkout.tracked:
        by_fold.setdefault(folded(path), path)
    tracked = [_tracked(entry.path, checkout, by_fold) for entry in entries]
    known = {entry.path for entry in entries}
    present = {folded(entry.path) for entry in entries}
    missing = sorted(path for path in checkout.missing if folded(path) not in present)
    contents = checkout.blobs([checkout.tracked[path].name for path in missing]) if missing else {}
    more: dict[str, tuple[Entry, Tracked | None]] = {}
    for path in missing:
        item = checkout.tracked[path]
        content = contents.get(item.name)
        if content is None:
            continue
        for folder in _folders(path):
            if folder not in known and folder not in more:
                more[folder] = (Entry(folder, Kind.DIR, 0o755), None)
        more[path] = (_checked_out(path, item, content), item)
    objects = [*entries, *(entry for entry, _ in more.values())]
    numbers = range(len(entries), len(objects))
    return World(
        objects,
        sorted({*used, *numbers}),
        len(entries),
        [*tracked, *(item for _, item in more.values())],
        checkout,
        naming,
    )


def _checked_out(path: str, item: Tracked, content: bytes) -> Entry:
    if item.mode == LINK:
        return Entry(path, Kind.SYMLINK, 0o777, linkname=content.decode("utf-8", "surrogateescape"))
    return Entry(path, mode=0o755 if item.executable else 0o644, size=len(content), content=content)


def _tracked(path: str, checkout: Checkout, by_fold: Mapping[str, str]) -> Tracked | None:
    found = checkout.tracked.get(path)
    if found is None and by_fold:
        other = by_fold.get(folded(path))
        # another spelling of the same name: of a file system that ignores case, or of macOS
        found = checkout.tracked[other] if other is not None and other in checkout.missing else None
    return found


def folded(path: str) -> str:
    """Return a path without differences of case and of Unicode's normal forms."""
    return path if path.isascii() and path.islower() else unicodedata.normalize("NFC", path).casefold()


def _folders(path: str) -> list[str]:
    names = path.split("/")[:-1]
    return ["/".join(names[: count + 1]) for count in range(len(names))]


def above(paths: Iterable[str]) -> set[str]:
    """Return all folders that contain one of the paths."""
    found: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


Kinds = tuple[Sequence[Rule], ...]  # the rules of each kind, in the order of the fields of Choice


def variant(world: World, kinds: Kinds, choice: Choice, number: int) -> Entry:
    """Return one object of the producer under a choice of rules, without its mode."""
    links, contents, attributes = kinds[1][choice.links], kinds[2][choice.contents], kinds[3][choice.attributes]
    entry = links.replaced.get(number) or contents.replaced.get(number) or world.objects[number]
    xattrs = attributes.attributes.get(number)
    return entry if xattrs is None else entry.but(xattrs=xattrs)


def applied(world: World, kinds: Kinds, choice: Choice) -> list[Entry]:
    """Return the producer's objects under a choice of rules."""
    absent, modes = world.absent(kinds[0][choice.presence]), kinds[4][choice.modes].modes
    found: list[Entry] = []
    paths: set[str] = set()
    for number in range(len(world.objects)):
        if number in absent:
            continue
        entry = variant(world, kinds, choice, number)
        mode = world.mode(modes, number, entry) if modes else entry.mode
        found.append(entry if mode == entry.mode else entry.but(mode=mode))
        paths.add(entry.path)
    return [replace(entry, linkname="") if _orphaned(entry, paths) else entry for entry in found]


def _orphaned(entry: Entry, paths: Collection[str]) -> bool:
    """True for a hard link whose first path is absent: a client sends it as a plain file."""
    return entry.is_hardlink and entry.linkname not in paths
