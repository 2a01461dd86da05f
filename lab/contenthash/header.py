"""The bytes that are hashed before a file's content, and the digest of one object of its own."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from lab.contenthash.entry import Entry, Kind, name_bytes, shown
from lab.contenthash.rules import Rules
from lab.errors import ContextError

NOTHING = "sha256:" + sha256(b"").hexdigest()
TYPEFLAGS = {
    Kind.FILE: "0",
    Kind.SOCKET: "0",
    Kind.SYMLINK: "2",
    Kind.CHAR: "3",
    Kind.BLOCK: "4",
    Kind.DIR: "5",
    Kind.FIFO: "6",
}


def header(entry: Entry, rules: Rules) -> bytes:
    """What stands before the content in the hashed stream; ContextError for a socket where sockets are errors.

    Names and values follow each other without separators; name, uname and gname are always empty.
    """
    if entry.kind is Kind.SOCKET and not rules.sockets:
        raise ContextError(
            f"cannot digest {shown(entry.path)}: it is a socket, which BuildKit refuses under {rules.name}",
            hint="remove it, or name it in .dockerignore",
        )
    uid, gid = (entry.uid, entry.gid) if rules.owner else (0, 0)
    size = entry.size if entry.kind is Kind.FILE else 0
    link = entry.linkname if entry.kind is Kind.SYMLINK else ""
    text = (
        f"namemode{entry.mode & 0o7777}uid{uid}gid{gid}size{size}typeflag{TYPEFLAGS[entry.kind]}linkname{link}"
        f"unamegnamedevmajor{entry.devmajor}devminor{entry.devminor}"
    )
    fixed = name_bytes(text)
    if not entry.xattrs:
        return fixed
    kept = sorted((name_bytes(name), value) for name, value in entry.xattrs.items() if rules.keeps(name))
    return fixed + b"".join(name + value for name, value in kept)


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
