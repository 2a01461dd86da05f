"""The content digest of plain sources under choices of rules; only the folders that a choice changes are hashed."""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from operator import add

from lab.buildkit.contenthash import gopath
from lab.buildkit.contenthash.entry import Kind, name_bytes
from lab.buildkit.contenthash.header import NOTHING
from lab.buildkit.contenthash.query import Query, content_record, deduplicated
from lab.buildkit.contenthash.tree import LAST
from lab.explain.search.owns import Owns
from lab.explain.search.world import Choice, Rule, World, above

DEEPEST = 200  # folders in folders; deeper ones are left to a slower way
ROOT = -1

Child = tuple[bytes, int]  # NUL and name, and the object's number
Present = tuple[list[bytes], list[int], list[tuple[int, int]]]  # all names, the files, and the folders at their places


class Outline:
    """The folders of a world below the sources of a COPY, with the digests that choices share."""

    def __init__(self, owns: Owns, tops: Sequence[int]) -> None:
        self.owns = owns
        self.tops = tops
        self._children = _children(owns.world)
        self._gone = [owns.world.absent(rule) for rule in owns.kinds[0]]
        self._effective = _effective(owns, self._gone, self._children)
        self._found: dict[int, dict[Choice, bytes]] = {folder: {} for folder in self._children}
        self._kept: dict[tuple[int, int], Present] = {}

    def record(self, choice: Choice) -> str | None:
        """Return the record of the content digest under a choice; None if a source does not exist then."""
        if any(top in self._gone[choice.presence] for top in self.tops):
            return None
        texts = [self._whole(top, choice) for top in self.tops]
        return content_record("sha256:" + sha256(b"\0".join(texts)).hexdigest())

    def _whole(self, number: int, choice: Choice) -> bytes:
        """Return the digest of an object with everything below it, as text."""
        rules = self._effective.get(number)
        if rules is None:
            return self.owns.text(number, choice)
        one, two, three, four, five = choice
        effective = Choice(rules[0][one], rules[1][two], rules[2][three], rules[3][four], rules[4][five])
        known = self._found[number]
        found = known.get(effective)
        if found is None:
            found = known[effective] = self._summed(number, effective)
        return found

    def _summed(self, number: int, choice: Choice) -> bytes:
        owns = self.owns
        row, modes = owns.row(choice), owns.modes(choice)
        names, files, folders = self._present(number, choice.presence)
        texts = owns.texts(row, modes, files)
        for place, child in folders:
            texts.insert(place, self._whole(child, choice))
        own = NOTHING.encode() if number == ROOT else owns.of(row[number], modes[number])
        return b"sha256:" + hexlify(sha256(b"\0" + own + b"".join(map(add, names, texts))).digest())

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
        found[numbers[folder]].append((b"\0" + name_bytes(name), number))
    for children in found.values():
        children.sort()
    return found


def _effective(owns: Owns, gone: Sequence[frozenset[int]], folders: Iterable[int]) -> dict[int, tuple[list[int], ...]]:
    """Return for each folder and kind the rule that has the same effect below the folder: itself, or no change."""
    world, kinds = owns.world, owns.kinds
    links = {number for rule in kinds[1] for number in rule.replaced}
    changed: list[list[Collection[int]]] = [
        [numbers ^ gone[0] for numbers in gone],
        [rule.replaced for rule in kinds[1]],
        [rule.replaced for rule in kinds[2]],
        [rule.attributes for rule in kinds[3]],
        [links | _other_modes(world, rule) if rule.modes else () for rule in kinds[4]],
    ]
    touched = [
        [world.folders_above(numbers) | {number for number in numbers if number in world.folders} for numbers in rules]
        for rules in changed
    ]
    return {
        folder: tuple([rule if folder in found else 0 for rule, found in enumerate(rules)] for rules in touched)
        for folder in folders
    }


def _other_modes(world: World, rule: Rule) -> set[int]:
    modes = world.modes(rule.modes)
    return {number for number in world.used if modes[number] != world.objects[number].mode}
