"""The number of bytes in "transferring context: NB": the sizes of the packets that a client sends for its files."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lab.buildkit.contenthash.entry import Entry, Kind, name_bytes

CHUNK = 32 << 10
FIN_BYTES = 2
USUAL_MTIME = 1_600_000_000 * 10**9  # every time from 2006 to 2262 takes the same number of bytes
MODE_BITS = {  # Go's FileMode
    Kind.FILE: 0,
    Kind.DIR: 1 << 31,
    Kind.SYMLINK: 1 << 27,
    Kind.FIFO: 1 << 25,
    Kind.CHAR: 1 << 26 | 1 << 21,
    Kind.BLOCK: 1 << 26,
    Kind.SOCKET: 0,  # from 19.03.3 on, the client clears the socket bit
}


def context_bytes(entries: Iterable[Entry], sent: Callable[[Entry], bool] | None = None) -> int:
    """Return the N of "transferring context: NB" for the objects that the client walks, in its order.

    `entries` are the objects that the Dockerfile uses, and the directories that contain them. `sent` is true for the
    files whose data the daemon requests: by default all files, as for a new context; no file if nothing has changed.
    """
    total = FIN_BYTES
    for number, entry in enumerate(entries):
        total += stat_bytes(entry)
        has_data = entry.kind in (Kind.FILE, Kind.SOCKET) and not entry.is_hardlink
        if has_data and (sent is None or sent(entry)):
            total += _data_bytes(number, entry.size)
    return total


def stat_bytes(entry: Entry) -> int:
    """Return the size of the packet that announces one object; a field that is 0 or empty takes no bytes."""
    size = {Kind.FILE: entry.size, Kind.SYMLINK: len(name_bytes(entry.linkname))}.get(entry.kind, 0)
    mtime = USUAL_MTIME if entry.mtime_ns is None else entry.mtime_ns
    stat = (
        _text(name_bytes(entry.path))
        + _number(_go_mode(entry))
        + sum(map(_number, (entry.uid, entry.gid, size, mtime)))
        + _text(name_bytes(entry.linkname))
        + _number(entry.devmajor)
        + _number(entry.devminor)
        + sum(xattr_bytes(name, value) for name, value in entry.xattrs.items())
    )
    return 1 + _varint(stat) + stat


def xattr_bytes(name: str, value: bytes) -> int:
    """Return the bytes that one extended attribute adds: 58 for a security.selinux of 36 bytes.

    A longer packet may need up to 2 bytes more for its length. An attribute without a value adds only its name, as
    observed with 20.10.24 and 26.1.5.
    """
    pair = _text(name_bytes(name)) + _text(value)
    return 1 + _varint(pair) + pair


def _data_bytes(number: int, size: int) -> int:
    """Return the size of the packets with a file's data and of the empty packet that ends them.

    `number` is the file's position in the walk.
    """
    frame = 2 + _number(number)
    total = frame
    for start in range(0, size, CHUNK):
        length = min(CHUNK, size - start)
        total += frame + 1 + _varint(length) + length
    return total


def _go_mode(entry: Entry) -> int:
    special = (entry.mode & 0o4000) << 12 | (entry.mode & 0o2000) << 12 | (entry.mode & 0o1000) << 11
    return MODE_BITS[entry.kind] | special | entry.mode & 0o777


def _text(value: bytes) -> int:
    return 1 + _varint(len(value)) + len(value) if value else 0


def _number(value: int) -> int:
    """Return the size of a field with a number; 0 is omitted. Field numbers are below 16, so the key is one byte."""
    return 1 + _varint(value) if value else 0


def _varint(value: int) -> int:
    """Return the number of bytes of a protobuf varint; a negative number takes ten."""
    return 10 if value < 0 else max(1, -(-value.bit_length() // 7))
