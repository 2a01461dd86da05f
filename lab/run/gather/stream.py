"""What the script printed, as the objects of a context; pure."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from lab.buildkit.contenthash.entry import Entry, Kind, shown, walk_key
from lab.buildkit.context import name_problem
from lab.counting import MOST_DIGITS, whole_number
from lab.errors import ReadError
from lab.run.context_files import MAX_CONTEXT_BYTES

KINDS = {
    "f": Kind.FILE,
    "d": Kind.DIR,
    "l": Kind.SYMLINK,
    "p": Kind.FIFO,
    "c": Kind.CHAR,
    "b": Kind.BLOCK,
    "s": Kind.FILE,  # a socket goes as an empty file, see lab/buildkit/context.py
}
FIELDS, PATH = 10, 8  # of one object in the list
NO_ATTRIBUTES = "its attributes are not known: the box has neither getfattr nor python3"
CHANGED = "it changed while the context was gathered"


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects below a folder in the order of a walk; `problem` says why there are none."""

    entries: tuple[Entry, ...] = ()
    problem: str | None = None


@dataclass(slots=True)
class _Found:
    """One line of the list, before attributes and content are known."""

    entry: Entry
    identity: str
    links: int


@dataclass(slots=True)
class Attributes:
    """Values by path and name, and by path the reason why those of a path, or under "" all, are not known."""

    values: dict[str, dict[str, bytes]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def read(output: bytes, largest: int = MAX_CONTEXT_BYTES) -> Listing:
    """The objects from the script's output; ReadError where it is not whole, or has more content than `largest`."""
    sections = _sections(output)
    if output.strip() == b"no-find":
        return Listing(problem="its find does not print (GNU find does)")
    if "again" not in sections or "list" not in sections:
        raise ReadError("cannot read what was gathered: its end is missing")
    lines = _objects(sections["list"])
    moved = {line[PATH] for line in set(lines) ^ set(_objects(sections["again"]))}
    devices = _devices(sections.get("devices", b""))
    found = [_found(line, devices) for line in lines]
    attributes = attributes_of(sections)
    sums = _sums(sections.get("sums", b""))
    contents = _contents(sections, lines, sums, largest)
    entries = []
    for item in found:
        path = item.entry.path
        xattrs = attributes.values.get(path, {})
        problem = CHANGED if path in moved else item.entry.problem or name_problem(path, "", xattrs)
        entry = replace(item.entry, problem=problem, xattrs=xattrs)
        if attributes.problems:
            why = attributes.problems.get(path) or attributes.problems.get("")
            entry = replace(entry, problem=entry.problem or why)
        if entry.kind is Kind.FILE:
            entry = replace(entry, content=contents.get(path), sha256=sums.get(path))
        entries.append((entry, item))
    return Listing(tuple(_linked(sorted(entries, key=lambda pair: walk_key(pair[0])))))


def _linked(pairs: list[tuple[Entry, _Found]]) -> Iterator[Entry]:
    """Second names of one file as hard links to the first."""
    seen: dict[str, str] = {}
    for entry, item in pairs:
        if entry.kind is Kind.FILE and item.links > 1:
            first = seen.setdefault(item.identity, entry.path)
            again = replace(entry, linkname=first, content=None, sha256=None)
            yield entry if first == entry.path else again
        else:
            yield entry


def _sections(output: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        for text in f"\n{output.decode('ascii', 'replace').strip()}".split("\n= ")[1:]:
            name, _, content = text.partition("\n")
            found[name] = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ReadError(f"cannot read what was gathered: {error}") from error
    return found


def _names(data: bytes) -> list[str]:
    return _text(data).split("\0")[:-1]


def _objects(data: bytes) -> list[tuple[str, ...]]:
    words = _names(data)
    if len(words) % FIELDS:
        raise ReadError("cannot read what was gathered: the list of objects is cut")
    return [tuple(words[start : start + FIELDS]) for start in range(0, len(words), FIELDS)]


def _found(line: tuple[str, ...], devices: Mapping[str, tuple[int, int]]) -> _Found:
    kind, mode, size, links, identity, mtime, _, owner, path, target = line
    try:
        what = KINDS[kind[1:]]
        major, minor = devices.get(path, (0, 0))
        entry = Entry(
            path,
            what,
            int(mode, 8) & 0o7777,
            size=number_of(size) if what is Kind.FILE else 0,
            linkname=target if what is Kind.SYMLINK else "",
            devmajor=major,
            devminor=minor,
            mtime_ns=_nanoseconds(mtime),
            problem="it cannot be read" if kind[0] == "x" else name_problem(path, target),
            disk_owner=owner,
        )
        return _Found(entry, identity, number_of(links))
    except (KeyError, ValueError) as error:
        raise ReadError(f"cannot read what was gathered: {error} of an object") from error


def number_of(text: str) -> int:
    """The number in a field of an object; ValueError for any other text."""
    number = whole_number(text)
    if number is None:
        raise ValueError(f"{shown(text[:20])} is not a number")
    return number


def _nanoseconds(text: str) -> int:
    """find prints ten digits after the point, older ones none."""
    seconds, _, fraction = text.partition(".")
    if len(seconds) > MOST_DIGITS:
        raise ValueError("a time is too far away")
    sign = -1 if seconds.startswith("-") else 1
    return int(seconds) * 10**9 + sign * int((fraction + "0" * 9)[:9])


def _devices(data: bytes) -> dict[str, tuple[int, int]]:
    found = {}
    for major, minor, path in re.findall(r"(?m)^([0-9a-f]{1,16}) ([0-9a-f]{1,16}) \./(.*)$", _text(data)):
        found[path] = (int(major, 16), int(minor, 16))
    return found


def attributes_of(sections: Mapping[str, bytes]) -> Attributes:
    """Attributes by path, and why those of a path, or under "" of all, are not known."""
    if "attributes" not in sections:
        return Attributes(problems={"": NO_ATTRIBUTES})
    found = Attributes()
    path = ""
    for line in _text(sections["attributes"] + sections.get("problems", b"")).split("\n"):
        if line.startswith("# file: "):
            path = _unquoted(line[8:]).removeprefix("./")
        elif line.startswith("getfattr: "):
            name, _, why = line[10:].rpartition(": ")
            found.problems[_unquoted(name).removeprefix("./")] = f"its attributes cannot be listed: {why}"
        elif match := re.fullmatch(r"(.+?)=0x((?:[0-9a-f]{2})*)", line):
            found.values.setdefault(path, {})[_unquoted(match[1])] = bytes.fromhex(match[2])
        elif line and "." in line and ": " not in line:  # getfattr of old prints the bare name for an empty value
            found.values.setdefault(path, {})[_unquoted(line)] = b""
    return found


def _unquoted(text: str) -> str:
    raw = re.sub(
        rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8) & 0xFF]), text.encode("utf-8", "surrogateescape")
    )
    return _text(raw)


def _sums(data: bytes) -> dict[str, str]:
    """sha256sum's lines; one that begins with a backslash has its name escaped."""
    found = {}
    for escaped, number, name in re.findall(r"(?m)^(\\?)([0-9a-f]{64}) [ *]\./(.*)$", _text(data)):
        if escaped:
            name = re.sub(r"\\([\\nr])", lambda match: {"\\": "\\", "n": "\n", "r": "\r"}[match[1]], name)
        found[name] = number
    return found


def _contents(
    sections: Mapping[str, bytes], lines: Sequence[tuple[str, ...]], sums: Mapping[str, str], largest: int
) -> dict[str, bytes]:
    """The contents that were sent, cut by their sizes; one whose sha256 is another is left out: it changed.

    The sizes are those of the list, unless only some contents were sent.
    """
    if "contents" not in sections:
        return {}
    data = _unpacked(sections["contents"], largest) if sections["contents"] else b""
    if "sizes" in sections:
        sizes = [(path, size) for size, _, path in (item.partition(" ") for item in _names(sections["sizes"]))]
    else:
        sizes = [(line[PATH], line[2]) for line in lines if line[0] == "-f"]
    found: dict[str, bytes] = {}
    start = 0
    for path, text in sizes:
        size = whole_number(text)
        if size is None:
            raise ReadError("cannot read what was gathered: a size is not a number")
        content = data[start : start + size]
        start += size
        if sha256(content).hexdigest() == sums.get(path):
            found[path] = content
    return found


def _unpacked(data: bytes, largest: int) -> bytes:
    """The content of a gzip stream; ReadError if it has more than `largest` bytes: a few can unpack to gigabytes."""
    reader = zlib.decompressobj(wbits=31)
    try:
        found = reader.decompress(data, largest + 1)
    except zlib.error as error:
        raise ReadError(f"cannot read what was gathered: {error}") from error
    if len(found) > largest:
        raise ReadError(f"cannot read what was gathered: its contents have more than {largest} bytes")
    if not reader.eof:
        raise ReadError("cannot read what was gathered: its contents are cut")
    return found


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
