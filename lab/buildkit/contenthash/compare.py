"""Compare two records of the same context: which fields of which objects differ, and which rule sets hash them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from lab.buildkit.contenthash.entry import Entry, Kind, shown, walk_key
from lab.buildkit.contenthash.rules import Rules
from lab.counting import counted
from lab.errors import ContextError

ABSENT = "absent"
LONGEST_HEX = 24  # bytes of a value that is not text
LARGEST_TEXT = 1 << 20  # bytes of a file that is read again to compare its line ends


def compare(
    producer: Iterable[Entry], consumer: Iterable[Entry], rules: Sequence[Rules], *, every: bool = False
) -> list[FieldDifference]:
    """Return the fields that differ, in walk order; each names those of the given rule sets that hash it.

    Contents are compared if both are available or have a sha256. `every` adds the fields that no rule set hashes:
    times, owners on disk, and whether a file is a hard link.
    """
    one, other = ({entry.path: entry for entry in entries} for entries in (producer, consumer))
    order = sorted({**other, **one}.values(), key=walk_key)
    names = tuple(item.name for item in rules)
    found: list[FieldDifference] = []
    for entry in order:
        theirs, ours = one.get(entry.path), other.get(entry.path)
        if theirs is None or ours is None:
            found.append(FieldDifference(shown(entry.path), "presence", _summary(theirs), _summary(ours), names))
            continue
        rows = (row for row in _fields(theirs, ours, rules) if row[3] or every)
        found += [FieldDifference(shown(entry.path), *row) for row in rows]
    return found


def show_value(value: bytes | None) -> str:
    """Return an attribute's value as text: NUL as \\0, a value that is not text in hex, None as `absent`."""
    if value is None:
        return ABSENT
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\ufffd"
    text = text.replace("\0", "\\0")
    if text.isprintable() and "\ufffd" not in text:
        return text or '""'
    return f"0x{value[:LONGEST_HEX].hex()}{'..' if len(value) > LONGEST_HEX else ''} ({counted(len(value), 'byte')})"


Row = tuple[str, str, str, tuple[str, ...]]


def _fields(theirs: Entry, ours: Entry, rules: Sequence[Rules]) -> Iterator[Row]:
    """Yield each field that differs: its name, both values, and the rule sets that hash it."""
    names = tuple(item.name for item in rules)
    owned = tuple(item.name for item in rules if item.owner)
    if theirs.kind is not ours.kind:
        yield "type", _summary(theirs), _summary(ours), names
        return
    plain = [
        ("mode", f"{theirs.mode:04o}", f"{ours.mode:04o}", names),
        ("uid", str(theirs.uid), str(ours.uid), owned),
        ("gid", str(theirs.gid), str(ours.gid), owned),
        ("device", f"{theirs.devmajor}:{theirs.devminor}", f"{ours.devmajor}:{ours.devminor}", names),
    ]
    if theirs.kind is Kind.SYMLINK:
        plain.append(("target", shown(theirs.linkname), shown(ours.linkname), names))
    else:
        plain.append(("hard link", _link(theirs), _link(ours), ()))
    yield from (row for row in plain if row[1] != row[2])
    yield from _xattrs(theirs, ours, rules)
    if theirs.kind is Kind.FILE and not (theirs.is_hardlink and ours.is_hardlink):
        yield from _contents(theirs, ours, names)
    if None not in (theirs.mtime_ns, ours.mtime_ns) and theirs.mtime_ns != ours.mtime_ns:
        yield "mtime", f"{theirs.mtime_ns} ns", f"{ours.mtime_ns} ns", ()
    if theirs.disk_owner and ours.disk_owner and theirs.disk_owner != ours.disk_owner:
        yield "owner on disk", theirs.disk_owner, ours.disk_owner, ()


def _xattrs(theirs: Entry, ours: Entry, rules: Sequence[Rules]) -> Iterator[Row]:
    for name in sorted({*theirs.xattrs, *ours.xattrs}):
        values = (theirs.xattrs.get(name), ours.xattrs.get(name))
        if values[0] != values[1]:
            kept = tuple(item.name for item in rules if item.keeps(name))
            yield shown(name), show_value(values[0]), show_value(values[1]), kept


def _contents(theirs: Entry, ours: Entry, names: tuple[str, ...]) -> Iterator[Row]:
    if theirs.content is ours.content and theirs.content is not None and theirs.size == ours.size:
        return  # the same Python object: there is no need to read it
    sums = (content_sum(theirs), content_sum(ours))
    if sums[0] == sums[1] or (None in sums and theirs.size == ours.size):
        return
    lines = _line_ends(theirs, ours)
    if lines:
        yield "line ends", *lines, names
        return
    texts = [
        _bytes(entry.size) + (f", sha256 {number[:12]}.." if number else "")
        for entry, number in zip((theirs, ours), sums, strict=True)
    ]
    yield "content", texts[0], texts[1], names


def content_sum(entry: Entry) -> str | None:
    """Return the sha256 of the content alone; None if it cannot be determined."""
    if entry.sha256:
        return entry.sha256
    if entry.is_hardlink:
        return sha256(entry.content).hexdigest() if isinstance(entry.content, bytes) else None
    try:
        chunks = entry.chunks()
        if chunks is None:
            return None
        hasher = sha256()
        for chunk in chunks:
            hasher.update(chunk)
        return hasher.hexdigest()
    except ContextError:
        return None


def _line_ends(theirs: Entry, ours: Entry) -> tuple[str, str] | None:
    """Return "LF" or "CRLF" for both contents; None if anything but the line ends differs."""
    one, other = _text(theirs), _text(ours)
    if one is None or other is None:
        return None
    if one.replace(b"\r\n", b"\n") != other.replace(b"\r\n", b"\n"):
        return None
    words = ["CRLF" if b"\r\n" in content else "LF" for content in (one, other)]
    return (words[0], words[1]) if words[0] != words[1] else None


def _text(entry: Entry) -> bytes | None:
    """Return the content of a file that is in memory, or small enough to be read again; else None."""
    if isinstance(entry.content, bytes):
        return entry.content
    try:
        chunks = entry.chunks() if entry.size <= LARGEST_TEXT and not entry.problem else None
        return None if chunks is None else b"".join(bytes(chunk) for chunk in chunks)
    except ContextError:
        return None


def _link(entry: Entry) -> str:
    return f"to {shown(entry.linkname)}" if entry.linkname else "no"


def _summary(entry: Entry | None) -> str:
    if entry is None:
        return ABSENT
    return f"file of {_bytes(entry.size)}" if entry.kind is Kind.FILE else entry.kind.value


def _bytes(count: int) -> str:
    return f"{count} byte{'s' * (count != 1)}"


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field of one context file that differs between producer and consumer, with both values as text.

    `rules` names the rule sets (R1 to R9) that hash this field.
    """

    path: str
    field: str
    producer: str
    consumer: str
    rules: tuple[str, ...]
