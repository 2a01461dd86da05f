"""The difference of two sides in pieces: one field of one object each, on the records and as a change on a box."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lab.buildkit.contenthash.compare import content_sum
from lab.buildkit.contenthash.entry import Entry, Kind, shown, walk_key
from lab.run.changes.kind import Change
from lab.run.vary.axis import changes

STAND_IN = "lab: this stands for the content with the sha256 {}\n"
PART = 48 << 10  # bytes of a content that one command writes; Linux takes 128 KiB in one argument
BEGIN = 'mkdir -p "$(dirname "$1")" && : > "$1"'
WRITE = 'printf %s "$2" | base64 -d >> "$1"'  # a file that is there keeps its mode
FOLDER = 'mkdir -p "$1" && chmod "$2" "$1"'


@dataclass(frozen=True, slots=True)
class Piece:
    """One difference: the path, the field, both values in words, and the object after it.

    `before` is None for an object that the first side does not have, `after` None for one that the second does not
    have. `name` is the extended attribute where the field is one.
    """

    path: str
    field: str
    words: str
    before: Entry | None
    after: Entry | None
    name: str | None = None

    @property
    def sort(self) -> str:
        """What differences of one cause have in common: the field, and where a whole object differs its first name."""
        return f"{self.field} of {self.path.partition('/')[0]}" if self.field in ("presence", "type") else self.field

    @property
    def text(self) -> str:
        """The difference in one line."""
        return f"{self.field} of {shown(self.path)}: {self.words}"

    def on(self, entry: Entry | None) -> Entry | None:
        """The object with this difference, which may have others."""
        if entry is None or self.after is None or self.field in ("presence", "type"):
            return self.after
        if self.field == "mode":
            return entry.but(mode=self.after.mode)
        if self.name is not None:
            return entry.but(xattrs=_with(entry.xattrs, self.name, self.after.xattrs.get(self.name)))
        if self.field == "target":
            return replace(entry, linkname=self.after.linkname)
        return replace(entry, content=self.after.content, size=self.after.size, sha256=self.after.sha256)

    def made(self) -> tuple[Change, ...]:
        """The changes that make it on a box."""
        if self.after is None:
            return changes({"remove": [self.path]})
        if self.field in ("presence", "type"):
            return (*(changes({"remove": [self.path]}) if self.before else ()), *_whole(self.after))
        if self.field == "mode":
            return changes({"mode": {self.path: f"{self.after.mode:04o}"}})
        if self.name is not None:
            return _attribute(self.path, self.name, self.after.xattrs.get(self.name))
        if self.field == "target":
            return changes({"link": {self.path: self.after.linkname}})
        return _content(self.after)


def with_contents(objects: Sequence[Entry], known: Sequence[Entry]) -> tuple[list[Entry], int]:
    """Return the objects with contents, and how many of these stand in for one that is not known.

    A content of `known` with the same sha256 is taken, else one that is made from the sha256: equal contents stay
    equal, and different ones differ.
    """
    sums = {content_sum(entry): entry for entry in known if entry.kind is Kind.FILE and not entry.is_hardlink}
    found: list[Entry] = []
    stand_ins = 0
    for entry in objects:
        if entry.kind is Kind.FILE and entry.content is None and not entry.is_hardlink and entry.size:
            there = sums.get(entry.sha256)
            data = STAND_IN.format(entry.sha256 or entry.path).encode("utf-8", "surrogateescape")
            stand_ins += there is None
            content = there.content if there else data
            size = there.size if there else len(data)
            entry = replace(entry, content=content, size=size, sha256=there.sha256 if there else None, problem=None)
        found.append(entry)
    return found, stand_ins


def pieces(first: Sequence[Entry], second: Sequence[Entry]) -> list[Piece]:
    """Return every difference that some rule set hashes, in the order of a walk.

    Owners, times and hard links enter no digest of a folder that docker sends, and are no pieces.
    """
    one, other = ({entry.path: entry for entry in side} for side in (first, second))
    order = sorted({**other, **one}.values(), key=walk_key)
    return [piece for entry in order for piece in _of(one.get(entry.path), other.get(entry.path))]


def applied(objects: Sequence[Entry], chosen: Sequence[Piece]) -> list[Entry]:
    """Return the objects of the first side with some of the differences; what is below a removed folder goes too."""
    found: dict[str, Entry] = {entry.path: entry for entry in objects}
    for piece in chosen:
        after = piece.on(found.get(piece.path))
        if after is None:
            found = {path: entry for path, entry in found.items() if not _is_below(path, piece.path)}
        else:
            found[piece.path] = after
    return sorted(found.values(), key=walk_key)


def _of(first: Entry | None, second: Entry | None) -> Iterator[Piece]:
    if first is None or second is None:
        there = first or second
        assert there is not None
        words = "only the second side has it" if first is None else "only the first side has it"
        yield Piece(there.path, "presence", words, first, second)
        return
    if first.kind is not second.kind:
        yield Piece(first.path, "type", f"{first.kind} > {second.kind}", first, second)
        return
    if first.mode != second.mode and first.kind is not Kind.SYMLINK:
        yield Piece(first.path, "mode", f"{first.mode:04o} > {second.mode:04o}", first, second)
    for name in sorted({*first.xattrs, *second.xattrs}):
        if first.xattrs.get(name) != second.xattrs.get(name):
            word = "only there" if name not in first.xattrs else "only here" if name not in second.xattrs else "differs"
            yield Piece(first.path, name, word, first, second, name=name)
    if first.kind is Kind.SYMLINK and first.linkname != second.linkname:
        yield Piece(first.path, "target", f"{shown(first.linkname)} > {shown(second.linkname)}", first, second)
    if first.kind is Kind.FILE and content_sum(first) != content_sum(second):
        yield Piece(first.path, "content", f"{first.size} > {second.size} bytes", first, second)


def _with(xattrs: Mapping[str, bytes], name: str, value: bytes | None) -> dict[str, bytes]:
    rest = {key: old for key, old in xattrs.items() if key != name}
    return rest if value is None else {**rest, name: value}


def _whole(entry: Entry) -> tuple[Change, ...]:
    """The changes that make an object with its mode and its attributes."""
    if entry.kind is Kind.SYMLINK:
        return changes({"link": {entry.path: entry.linkname}})
    if entry.kind is Kind.DIR:
        run = ["sh", "-c", FOLDER, "sh", f"./{entry.path}", f"{entry.mode:04o}"]
        made = changes({"commands": {"run": [run]}})
    else:
        made = (*_content(entry), *changes({"mode": {entry.path: f"{entry.mode:04o}"}}))
    attributes = (change for name, value in entry.xattrs.items() for change in _attribute(entry.path, name, value))
    return (*made, *attributes)


def _content(entry: Entry) -> tuple[Change, ...]:
    """The changes that give a file its content; a new one gets a mode of the box."""
    data = entry.whole()
    path = f"./{entry.path}"
    parts = (data[start : start + PART] for start in range(0, len(data), PART))
    run = [["sh", "-c", WRITE, "sh", path, base64.b64encode(part).decode()] for part in parts]
    return changes({"commands": {"run": [["sh", "-c", BEGIN, "sh", path], *run]}})


def _attribute(path: str, name: str, value: bytes | None) -> tuple[Change, ...]:
    return changes({"attribute": {path: {name: None if value is None else f"0x{value.hex()}" if value else ""}}})


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(f"{top}/")
