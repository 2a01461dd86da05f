"""The bytes that are hashed before a file's content, and the digest of one object of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

from lab.buildkit.contenthash.entry import Entry, Kind, name_bytes, shown
from lab.buildkit.contenthash.rules import Rules
from lab.errors import ContextError

NOTHING = "sha256:" + sha256(b"").hexdigest()
FILE = Kind.FILE
TYPEFLAGS = {
    Kind.FILE: b"0",
    Kind.SOCKET: b"0",
    Kind.SYMLINK: b"2",
    Kind.CHAR: b"3",
    Kind.BLOCK: b"4",
    Kind.DIR: b"5",
    Kind.FIFO: b"6",
}
LAYOUT = b"namemode%duid%dgid%dsize%dtypeflag%slinkname%sunamegnamedevmajor%ddevminor%d"


def header(entry: Entry, rules: Rules) -> bytes:
    """What stands before the content in the hashed stream; ContextError for a socket where sockets are errors.

    Names and values follow each other without separators; name, uname and gname are always empty.
    """
    kind = entry.kind
    if kind is Kind.SOCKET and not rules.sockets:
        raise ContextError(
            f"cannot digest {shown(entry.path)}: it is a socket, which BuildKit refuses under {rules.name}",
            hint="remove it, or name it in .dockerignore",
        )
    fixed = LAYOUT % (
        entry.mode & 0o7777,
        entry.uid if rules.owner else 0,
        entry.gid if rules.owner else 0,
        entry.size if kind is FILE else 0,
        b"0" if kind is FILE else TYPEFLAGS[kind],
        name_bytes(entry.linkname) if kind is Kind.SYMLINK else b"",
        entry.devmajor,
        entry.devminor,
    )
    if not entry.xattrs:
        return fixed
    kept = [name_bytes(name) + value for name, value in _in_order(entry.xattrs) if rules.keeps(name)]
    return fixed + b"".join(kept)


def _in_order(xattrs: Mapping[str, bytes]) -> Iterable[tuple[str, bytes]]:
    """By the bytes of the names."""
    return sorted(xattrs.items(), key=_by_name) if len(xattrs) > 1 else xattrs.items()


def _by_name(item: tuple[str, bytes]) -> bytes:
    return name_bytes(item[0])


def own_digest(entry: Entry, rules: Rules) -> str:
    """The digest that the daemon records for one object on receipt: header and content, for a directory its header.

    A hard link's is replaced by that of its first path afterwards. ContextError if there is none, or if the content
    is not at hand or not of the stated size.
    """
    return own_digests(entry, [header(entry, rules)])[0]


def own_digests(entry: Entry, headers: Iterable[bytes]) -> list[str]:
    """The digests of one object under several headers, in their order; its content is streamed once."""
    if entry.problem:
        raise ContextError(f"cannot digest {shown(entry.path)}: {entry.problem}")
    hashers = [sha256(start) for start in headers]
    chunks = entry.chunks()
    if chunks is None:
        raise ContextError(f"cannot digest {shown(entry.path)}: its content is not at hand")
    length = 0
    for chunk in chunks:
        length += len(chunk)
        for hasher in hashers:
            hasher.update(chunk)
    if entry.kind is Kind.FILE and not entry.is_hardlink and length != entry.size:
        raise ContextError(
            f"cannot digest {shown(entry.path)}: {length} bytes were read where {entry.size} were stated",
            hint="it changed while it was read; try again when nothing writes to it",
        )
    return ["sha256:" + hasher.hexdigest() for hasher in hashers]
