"""A context as a stream of tar: bytes, modes, links, times and attributes, without a file on either side."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from lab.buildkit.contenthash.entry import Entry, Kind, shown
from lab.errors import ContextError

TYPES = {
    Kind.FILE: tarfile.REGTYPE,
    Kind.DIR: tarfile.DIRTYPE,
    Kind.SYMLINK: tarfile.SYMTYPE,
    Kind.FIFO: tarfile.FIFOTYPE,
}
BLOCK = 512
SMALL = 256 << 10  # bytes that are sent in one piece: thousands of small files would be thousands of writes
LABEL = "security.selinux"  # the box's own policy labels its files
Seen = Callable[[Entry, int], None]


def archive(objects: Sequence[Entry], *, plain: bool = False, seen: Seen = lambda entry, size: None) -> Iterator[bytes]:
    """The bytes of an archive of these objects.

    A `plain` one has no attributes, and each hard link is a file of its own. `seen` is called after each object with
    the bytes that were sent of it. ContextError for a file that cannot be read or changed meanwhile.
    """
    files = {entry.path: entry for entry in objects}
    waiting, size = [], 0
    for piece in _pieces(objects, files, plain=plain, seen=seen):
        waiting.append(piece)
        size += len(piece)
        if size >= SMALL:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join([*waiting, bytes(2 * BLOCK)])


def _pieces(objects: Iterable[Entry], files: Mapping[str, Entry], *, plain: bool, seen: Seen) -> Iterator[bytes]:
    for entry in objects:
        if plain and entry.is_hardlink:
            first = files[entry.linkname]
            entry = replace(entry, linkname="", content=first.content, size=first.size)
        yield _header(entry, plain=plain)
        sent = 0
        if entry.kind is Kind.FILE and not entry.is_hardlink:
            for chunk in entry.chunks() or ():
                sent += len(chunk)
                yield bytes(chunk)
            if sent != entry.size:
                raise changed(entry)
            yield bytes(-sent % BLOCK)
        seen(entry, sent)


def changed(entry: Entry) -> ContextError:
    """The error for a file that gave another number of bytes than it had when the context was listed."""
    return ContextError(
        f"cannot send {shown(entry.path)}: it changed while it was read",
        hint="stop the programs that write to it and try again",
    )


def _header(entry: Entry, *, plain: bool) -> bytes:
    info = tarfile.TarInfo(f"./{entry.path}")
    info.type = tarfile.LNKTYPE if entry.is_hardlink else TYPES[entry.kind]
    info.mode = entry.mode
    info.size = 0 if entry.is_hardlink or entry.kind is not Kind.FILE else entry.size
    info.linkname = f"./{entry.linkname}" if entry.is_hardlink else entry.linkname
    seconds, rest = divmod(entry.mtime_ns or 0, 10**9)
    info.mtime = seconds
    records = {"mtime": f"{seconds}.{rest:09d}"} if rest and seconds >= 0 else {}
    if not plain and not entry.is_hardlink:
        for name, value in entry.xattrs.items():
            if name != LABEL:
                # tarfile writes a text that is no UTF-8 back as the bytes that it was decoded from
                records[f"SCHILY.xattr.{name}"] = value.decode("utf-8", "surrogateescape")
    info.pax_headers = records
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
