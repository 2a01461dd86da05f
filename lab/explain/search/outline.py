"""The content digest of plain sources under choices of rules; only the folders that a choice changes are hashed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from operator import add

from lab.buildkit.contenthash import gopath
from lab.buildkit.contenthash.entry import Kind, name_bytes
from lab.buildkit.contenthash.header import NOTHING
from lab.buildkit.contenthash.query import Query, content_record, deduplicated
from lab.buildkit.contenthash.tree import LAST
from lab.explain.search.owns import Owns
from lab.explain.search.world import Choice, Rule, World, above

EMPTY = NOTHING.removeprefix("sha256:")
DEEPEST = 200  # folders in folders; deeper ones are left to a slower way
ROOT = -1

Child = tuple[str, int]  # NUL, name, and the start of a digest; and the object's number
Present = tuple[list[str], list[int], list[tuple[int, int]]]  # all names, the files, and the folders at their places


class Outline:
    """The folders of a world below the sources of a COPY, with the digests that choices share."""

    def __init__(self, owns: Owns, tops: Sequence[int]) -> None:
        self.owns = owns
        self.tops = tops
        self._children = _children(owns.world)
        self._gone = [owns.world.absent(rule) for rule in owns.kinds[0]]
        self._effective = _effective(owns, self._gone, self._children)
        self._found: dict[int, dict[Choice, str]] = {folder: {} for folder in self._children}
        self._kept: dict[tuple[int, int], Present] = {}
        self._files: dict[int, dict[object, list[str]]] = {folder: {} for folder in self._children}
        self._classes = _classes(owns, self._children)
        self._class_modes = [owns.world.alike.of_classes(rule.modes) for rule in owns.kinds[4]]

    def record(self, choice: Choice) -> str | None:
        """Return the record of the content digest under a choice; None if a source does not exist then."""
        if any(top in self._gone[choice.presence] for top in self.tops):
            return None
        texts = ["sha256:" + self._whole(top, choice) for top in self.tops]
        return content_record("sha256:" + sha256("\0".join(texts).encode()).hexdigest())

    def _whole(self, number: int, choice: Choice) -> str:
        """Return the hex digits of the digest of an object with everything below it."""
        rules = self._effective.get(number)
        if rules is None:
            return self.owns.sum(self.owns.row(choice)[number], self.owns.modes(choice)[number])
        one, two, three, four, five = choice
        effective = Choice(rules[0][one], rules[1][two], rules[2][three], rules[3][four], rules[4][five])
        known = self._found[number]
        found = known.get(effective)
        if found is None:
            found = known[effective] = self._summed(number, effective)
        return found

    def _summed(self, number: int, choice: Choice) -> str:
        owns = self.owns
        names, files, folders = self._present(number, choice.presence)
        sums = self._sums(number, choice, files)
        for place, child in folders:
            sums.insert(place, self._whole(child, choice))
        own = EMPTY if number == ROOT else owns.sum(owns.row(choice)[number], owns.modes(choice)[number])
        text = "".join(map(add, names, sums))
        return sha256(f"\0sha256:{own}{text}".encode("utf-8", "surrogateescape")).hexdigest()

    def _sums(self, number: int, choice: Choice, files: Sequence[int]) -> list[str]:
        """Return the hex digits of a folder's files; rules that give these files the same modes share them."""
        classes = self._classes[number]
        modes = choice.modes if classes is None else tuple(map(self._class_modes[choice.modes].__getitem__, classes))
        key = choice[:4], modes
        known = self._files[number]
        found = known.get(key)
        if found is None:
            found = known[key] = self.owns.sums(self.owns.row(choice), self.owns.modes(choice), files)
        return list(found)

    def _present(self, number: int, presence: int) -> Present:
        """Return the children of a folder that are present."""
        found = self._kept.get((number, presence))
        if found is None:
            gone = self._gone[presence]
            kept = [(name, child) for name, child in self._children[number] if child not in gone]
            files = [child for _, child in kept if child not in self._children]
            folders = [(place, child) for place, (_, child) in enumerate(kept) if child in self._children]
            found = self._kept[number, presence] = [name for name, _ in kept], files, folders
        return found


def outline(owns: Owns, queries: Sequence[Query]) -> Outline | None:
    """Return the outline of the sources of a COPY; None if its digest depends on more than folders and files.

    That is so for wildcards, patterns, and links in the path of a source, whatever side they are on.
    """
    world = owns.world
    clean = deduplicated(queries, owns.rules)
    if not all(query.is_plain for query in clean):
        return None
    links = {entry.path for entry in world.objects if entry.kind is Kind.SYMLINK}
    links |= {entry.path for rule in owns.kinds[1] for entry in rule.replaced.values() if entry.kind is Kind.SYMLINK}
    numbers = {"/" + entry.path: number for number, entry in enumerate(world.objects)} | {"": ROOT}
    tops = []
    for query in clean:
        path = gopath.key_path(query.path)
        if path not in numbers or links & {path[1:], *above([path[1:]])}:
            return None
        tops.append(numbers[path])
    names = above(entry.path for entry in world.objects)
    folders = {entry.path for entry in world.objects if entry.kind is Kind.DIR}
    deep = any(path.count("/") > DEEPEST for path in names)
    # names that begin with the byte ff have rules of their own, and so has a folder without an object
    odd = names - folders or any(f"/{entry.path}".rpartition("/")[2].startswith(LAST) for entry in world.objects)
    return None if deep or odd else Outline(owns, tops)


def _children(world: World) -> dict[int, list[Child]]:
    """Return the children of each folder, in the order of their names."""
    numbers = {entry.path: number for number, entry in enumerate(world.objects)} | {"": ROOT}
    found: dict[int, list[Child]] = {number: [] for number in (ROOT, *world.folders)}
    for number, entry in enumerate(world.objects):
        folder, _, name = entry.path.rpartition("/")
        found[numbers[folder]].append((f"\0{name}sha256:", number))
    for children in found.values():
        children.sort(key=_name_bytes)
    return found


def _name_bytes(child: Child) -> bytes:
    return name_bytes(child[0].removesuffix("sha256:"))


def _classes(owns: Owns, children: Mapping[int, Sequence[Child]]) -> dict[int, list[int] | None]:
    """Return for each folder the classes of its files that decide their modes; None if they do not decide all of them.

    What a rule on links puts in the place of an object has a mode of its own, and a hard link that of its first path.
    """
    links = {number for rule in owns.kinds[1] for number in rule.replaced}
    found: dict[int, list[int] | None] = {}
    for folder, listed in children.items():
        files = {number for _, number in listed if number not in children}
        alone = links.isdisjoint(files) and not any(owns.world.objects[number].is_hardlink for number in files)
        found[folder] = sorted({owns.world.alike.numbers[number] for number in files}) if alone else None
    return found


def _effective(owns: Owns, gone: Sequence[frozenset[int]], folders: Iterable[int]) -> dict[int, tuple[list[int], ...]]:
    """Return for each folder and kind the rule that has the same effect below the folder: itself, or no change."""
    world, kinds = owns.world, owns.kinds
    links = {number for rule in kinds[1] for number in rule.replaced}
    touched = [
        [_touched(world, numbers ^ gone[0]) for numbers in gone],
        [_touched(world, rule.replaced) for rule in kinds[1]],
        [_touched(world, rule.replaced) for rule in kinds[2]],
        [_touched(world, rule.attributes) for rule in kinds[3]],
        _touched_by_modes(world, kinds[4], _touched(world, links)),
    ]
    return {
        folder: tuple([rule if folder in found else 0 for rule, found in enumerate(rules)] for rules in touched)
        for folder in folders
    }


def _touched(world: World, numbers: Collection[int]) -> set[int]:
    """Return the folders that contain one of these objects or are one of them, and the root."""
    return world.folders_above(numbers) | world.folders.intersection(numbers)


def _touched_by_modes(world: World, rules: Sequence[Rule], links: set[int]) -> list[set[int]]:
    """Return for each rule the folders below which it changes a mode; `links` may have other modes under any rule."""
    members: dict[int, list[int]] = {}
    for number in world.used:
        members.setdefault(world.alike.numbers[number], []).append(number)
    folders = {alike: _touched(world, numbers) for alike, numbers in members.items()}
    own = world.alike.of_classes(None)
    found = []
    for rule in rules:
        modes = world.alike.of_classes(rule.modes)
        changed = [folders[alike] for alike in members if modes[alike] != own[alike]]
        found.append(links.union(*changed) if rule.modes else {ROOT})
    return found
