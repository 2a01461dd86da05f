"""The own digests of objects under choices of rules; each is computed once, whatever choices need it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.buildkit.contenthash.header import header, own_digests
from lab.buildkit.contenthash.rules import Rules
from lab.explain.search.world import Choice, Kinds, World, variant

MODE_BITS = 12
ALL_MODES = (1 << MODE_BITS) - 1


class Owns:
    """The own digests of a world's objects.

    A digest depends on what follows the mode in the header, and on the mode. Both are numbers here: the first stands
    for a variant of an object, and many choices share it.
    """

    def __init__(self, world: World, kinds: Kinds, rules: Rules) -> None:
        self.world = world
        self.kinds = kinds
        self.rules = rules
        self._kept: list[bytes] = []  # of each variant: what follows the mode in the header, and the content
        self._contents: list[bytes | None] = []
        self._on_disk: dict[int, tuple[int, Entry]] = {}  # variants with a content that is not in memory
        self._numbers: dict[tuple[int, bytes, object], int] = {}
        self._rows: dict[tuple[int, int, int], list[int]] = {}
        self._modes: dict[tuple[int, int], list[int]] = {}
        self._starts: dict[int, bytes] = {}  # of the headers, by mode
        self._used = frozenset(world.used)
        self._sums: dict[int, str] = {}  # by variant and mode
        paths = {entry.path: number for number, entry in enumerate(world.objects)}
        self._same = {
            number: paths[entry.linkname]
            for number, entry in enumerate(world.objects)
            if entry.is_hardlink and entry.linkname in paths
        }

    def text(self, number: int, choice: Choice) -> str:
        """Return the own digest of one object under a choice."""
        return "sha256:" + self.sum(self.row(choice)[number], self.modes(choice)[number])

    def sum(self, variant_number: int, mode: int) -> str:
        """Return the hex digits of the own digest of a variant with a mode."""
        [found] = self.sums([variant_number], [mode], [0])
        return found

    def sums(self, row: Sequence[int], modes: Sequence[int], numbers: Sequence[int]) -> list[str]:
        """Return the hex digits of the own digests of objects, given the variants and modes of all objects."""
        keys = [row[number] << MODE_BITS | modes[number] for number in numbers]
        sums = list(map(self._sums.get, keys))
        if None in sums:
            self._compute([key for key, found in zip(keys, sums, strict=True) if found is None] if any(sums) else keys)
            return list(map(self._sums.__getitem__, keys))
        return sums  # type: ignore[return-value]

    def row(self, choice: Choice) -> list[int]:
        """Return for each object the number of its variant under a choice; -1 for an object that is not used."""
        key = (choice.links, choice.contents, choice.attributes)
        found = self._rows.get(key)
        if found is None:
            found = self._rows[key] = self._row(choice)
        return found

    def modes(self, choice: Choice) -> list[int]:
        """Return the mode of each object under a choice."""
        key = (choice.links, choice.modes)  # other contents do not change a mode
        found = self._modes.get(key)
        if found is None:
            found = self._modes[key] = self._modes_of(choice)
        return found

    def _row(self, choice: Choice) -> list[int]:
        links, contents, attributes = choice[1:4]
        if links:
            found = list(self.row(choice._replace(links=0)))
            numbers: Iterable[int] = self.kinds[1][links].replaced
        elif contents or attributes:
            found = list(self.row(Choice(contents=contents if attributes else 0)))
            numbers = self.kinds[3][attributes].attributes if attributes else self.kinds[2][contents].replaced
        else:
            found = [-1] * len(self.world.objects)
            numbers = {*self._used, *self._same.values()}
        for number in sorted(numbers if not any(choice[1:4]) else self._used.intersection(numbers)):
            found[number] = self._numbered(number, variant(self.world, self.kinds, choice, number))
        for number, first in self._same.items():
            found[number] = found[first]
        return found

    def _numbered(self, number: int, entry: Entry) -> int:
        start = header(entry, self.rules)
        kept = start[start.index(b"uid") :]
        content = entry.content if entry.kind is Kind.FILE and isinstance(entry.content, bytes) else None
        if entry.kind is not Kind.FILE:
            content = b""
        # contents of this world are kept, so that an id stands for one content
        key = (number, kept, id(content) if content else content)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self._kept)
            self._kept.append(kept)
            self._contents.append(content)
            if content is None:
                self._on_disk[found] = number, entry
        return found

    def _modes_of(self, choice: Choice) -> list[int]:
        modes = self.kinds[4][choice.modes].modes
        found = self.world.modes(modes)
        for number, entry in self.kinds[1][choice.links].replaced.items():
            found[number] = self.world.mode(modes, number, entry) if modes else entry.mode
        for number, first in self._same.items():
            found[number] = found[first]
        return found

    def _compute(self, keys: Sequence[int]) -> None:
        """Compute the digests of variants with modes; contents on disk are read, each once."""
        starts, kept, contents = self._starts, self._kept, self._contents
        if self._on_disk:
            for key in keys:
                if contents[key >> MODE_BITS] is None:
                    self._read(key)
            keys = [key for key in keys if key not in self._sums]
        for mode in {key & ALL_MODES for key in keys} - starts.keys():
            starts[mode] = b"namemode%d" % mode
        # a search spends most of its time in the next line
        sums = [
            sha256(starts[key & ALL_MODES] + kept[key >> MODE_BITS] + contents[key >> MODE_BITS]).hexdigest()  # type: ignore[operator]
            for key in keys
        ]
        self._sums.update(zip(keys, sums, strict=True))

    def _read(self, key: int) -> None:
        """Read a content on disk, once for all modes that a rule gives to the object."""
        number, entry = self._on_disk[key >> MODE_BITS]
        kept = self._kept[key >> MODE_BITS]
        modes = {key & ALL_MODES, entry.mode}
        modes |= {self.world.mode(rule.modes, number, entry) for rule in self.kinds[4] if rule.modes}
        listed = sorted(modes)
        texts = own_digests(entry, [b"namemode%d" % mode + kept for mode in listed])
        for mode, text in zip(listed, texts, strict=True):
            self._sums[key & ~ALL_MODES | mode] = text.removeprefix("sha256:")
