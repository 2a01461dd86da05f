"""The header that is hashed before a file's content, and the own digest of one object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

from lab.buildkit.contenthash.entry import Entry, Kind, name_bytes, shown
from lab.buildkit.contenthash.rules import Rules
from lab.counting import counted
from lab.errors import ContextError, UnknownContentError

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
    """Return the bytes that are hashed before the content; ContextError for a socket if the rules reject sockets.

    Names and values follow each other without separators; name, uname and gname are always empty.
    """
    kind = entry.kind
    if kind is Kind.SOCKET and not rules.sockets:
        raise ContextError(
            f"cannot digest {shown(entry.path)}: it is a socket, which BuildKit rejects under {rules.name}",
            hint="remove it, or add it to .dockerignore",
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
    """Return the attributes sorted by the bytes of their names."""
    return sorted(xattrs.items(), key=_by_name) if len(xattrs) > 1 else xattrs.items()


def _by_name(item: tuple[str, bytes]) -> bytes:
    return name_bytes(item[0])


def own_digest(entry: Entry, rules: Rules) -> str:
    """Return the digest that the daemon stores for one object: that of its header and content.

    For a directory it is the digest of its header. The daemon later replaces the digest of a hard link by that of its
    first path. ContextError if there is no digest, the content is not available, or its size is not the stated size.
    """
    return own_digests(entry, [header(entry, rules)])[0]


def own_digests(entry: Entry, headers: Iterable[bytes]) -> list[str]:
    """Return the digests of one object for several headers, in the same order; its content is read once."""
    if entry.problem:
        raise ContextError(f"cannot digest {shown(entry.path)}: {entry.problem}")
    hashers = [sha256(start) for start in headers]
    chunks = entry.chunks()
    if chunks is None:
        raise UnknownContentError(f"cannot digest {shown(entry.path)}: its content is not available")
    length = 0
    for chunk in chunks:
        length += len(chunk)
        for hasher in hashers:
            hasher.update(chunk)
    if entry.kind is Kind.FILE and not entry.is_hardlink and length != entry.size:
        raise UnknownContentError(
            f"cannot digest {shown(entry.path)}: its size is {counted(entry.size, 'byte')}, but {length:,} were read",
            hint="it changed while its content was read; stop the programs that write to it and try again",
        )
    return ["sha256:" + hasher.hexdigest() for hasher in hashers]
