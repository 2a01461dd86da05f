"""The own digests of objects under choices of rules; each is computed once, whatever choices need it."""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Sequence
from hashlib import sha256

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.buildkit.contenthash.header import header, own_digests
from lab.buildkit.contenthash.rules import Rules
from lab.explain.search.world import Choice, Kinds, World, variant

MODE_BITS = 12
ALL_MODES = (1 << MODE_BITS) - 1


class Owns:
    """The own digests of a world's objects, as the bytes of their texts.

    A digest depends on what follows the mode in the header, and on the mode. Both are numbers here: the first stands
    for a variant of an object, and many choices share it.
    """

    def __init__(self, world: World, kinds: Kinds, rules: Rules) -> None:
        self.world = world
        self.kinds = kinds
        self.rules = rules
        self._variants: list[tuple[bytes, bytes | None, int, Entry]] = []
        self._numbers: dict[tuple[int, bytes, object], int] = {}
        self._rows: dict[tuple[int, int, int], list[int]] = {}
        self._modes: dict[tuple[int, int], list[int]] = {}
        self._starts: dict[int, bytes] = {}  # of the headers
        self.found: dict[int, bytes] = {}  # by variant and mode
        paths = {entry.path: number for number, entry in enumerate(world.objects)}
        self._same = {
            number: paths[entry.linkname]
            for number, entry in enumerate(world.objects)
            if entry.is_hardlink and entry.linkname in paths
        }

    def text(self, number: int, choice: Choice) -> bytes:
        """Return the own digest of one object under a choice, as text."""
        return self.of(self.row(choice)[number], self.modes(choice)[number])

    def of(self, kept: int, mode: int) -> bytes:
        """Return the own digest of a variant with a mode."""
        key = kept << MODE_BITS | mode
        return self.found.get(key) or self._computed(key)

    def texts(self, row: Sequence[int], modes: Sequence[int], numbers: Sequence[int]) -> list[bytes]:
        """Return the own digests of several objects, given the variants and modes of all objects."""
        get, computed = self.found.get, self._computed
        texts = [get(row[number] << MODE_BITS | modes[number]) for number in numbers]
        if None not in texts:
            return texts  # type: ignore[return-value]
        return [
            text or computed(row[number] << MODE_BITS | modes[number])
            for text, number in zip(texts, numbers, strict=True)
        ]

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
        rules = (self.kinds[1][choice.links], self.kinds[2][choice.contents], self.kinds[3][choice.attributes])
        if any(choice[1:4]):
            found = list(self.row(Choice()))
            changed = {*rules[0].replaced, *rules[1].replaced, *rules[2].attributes}
            numbers = sorted(changed & set(self.world.used))
        else:
            found = [-1] * len(self.world.objects)
            numbers = sorted({*self.world.used, *self._same.values()})
        for number in numbers:
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
        if key not in self._numbers:
            self._numbers[key] = len(self._variants)
            self._variants.append((kept, content, number, entry))
        return self._numbers[key]

    def _modes_of(self, choice: Choice) -> list[int]:
        modes = self.kinds[4][choice.modes].modes
        found = self.world.modes(modes)
        for number, entry in self.kinds[1][choice.links].replaced.items():
            found[number] = self.world.mode(modes, number, entry) if modes else entry.mode
        for number, first in self._same.items():
            found[number] = found[first]
        return found

    def _computed(self, key: int) -> bytes:
        kept, content, number, entry = self._variants[key >> MODE_BITS]
        if content is None:
            self._read(key, number, entry, kept)
            return self.found[key]
        mode = key & ALL_MODES
        start = self._starts.get(mode) or self._starts.setdefault(mode, b"namemode%d" % mode)
        text = self.found[key] = b"sha256:" + hexlify(sha256(start + kept + content).digest())
        return text

    def _read(self, key: int, number: int, entry: Entry, kept: bytes) -> None:
        """Read a content on disk, once for all modes that a rule gives to the object."""
        modes = {key & ALL_MODES, entry.mode}
        modes |= {self.world.mode(rule.modes, number, entry) for rule in self.kinds[4] if rule.modes}
        listed = sorted(modes)
        texts = own_digests(entry, [b"namemode%d" % mode + kept for mode in listed])
        for mode, text in zip(listed, texts, strict=True):
            self.found[key & ~ALL_MODES | mode] = text.encode()
