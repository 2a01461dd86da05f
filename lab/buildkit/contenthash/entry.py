"""One object of a build context, as the daemon sees it: what lstat, readlink and getxattr say, and its content."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

Chunk = bytes | memoryview
Content = bytes | Callable[[], Iterable[Chunk]]
NO_XATTRS: Mapping[str, bytes] = MappingProxyType({})


class Kind(StrEnum):
    """What an object is; a hard link is a file (or a device) whose `linkname` names an earlier path."""

    FILE = "file"
    DIR = "dir"
    SYMLINK = "symlink"
    FIFO = "fifo"
    CHAR = "char"
    BLOCK = "block"
    SOCKET = "socket"


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a build context.

    `path` is relative to the context's root, with "/" between names and none at its ends; names that are not UTF-8
    stand in it as os.fsdecode gives them. `mode` is permission plus 04000, 02000, 01000. `uid` and `gid` are what
    reaches the daemon: 0 for whatever a docker client sends. `size` counts for files alone. `linkname` is a symbolic
    link's text, or the earlier path of which this is a hard link. `xattrs` holds raw values, a final NUL included.
    `content` is the bytes of a file, or a function that streams them anew each time it is called; None if they are
    not at hand, where `sha256` may still tell (64 hex digits of the content alone) what they were. `mtime_ns` is None
    where it is not known; it enters no digest. `problem` says why the object cannot be digested, such as "permission
    denied"; it matters only where the object is part of what is digested. `disk_owner` is "uid:gid" as it lay on disk,
    None where that is not known; no client sends it.
    """

    path: str
    kind: Kind = Kind.FILE
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size: int = 0
    linkname: str = ""
    devmajor: int = 0
    devminor: int = 0
    xattrs: Mapping[str, bytes] = field(default_factory=lambda: NO_XATTRS, hash=False)
    content: Content | None = field(default=None, compare=False)
    sha256: str | None = field(default=None, compare=False)
    mtime_ns: int | None = None
    problem: str | None = None
    disk_owner: str | None = None

    @property
    def is_hardlink(self) -> bool:
        """True for a second name of an object that has an earlier path."""
        return bool(self.linkname) and self.kind is not Kind.SYMLINK

    def but(
        self,
        *,
        mode: int | None = None,
        owner: tuple[int, int] | None = None,
        xattrs: Mapping[str, bytes] | None = None,
        content: bytes | None = None,
    ) -> Entry:
        """The same object with a field of another value, made quickly: searches make millions; `owner` is uid, gid."""
        return Entry(
            self.path,
            self.kind,
            self.mode if mode is None else mode,
            self.uid if owner is None else owner[0],
            self.gid if owner is None else owner[1],
            self.size if content is None else len(content),
            self.linkname,
            self.devmajor,
            self.devminor,
            self.xattrs if xattrs is None else xattrs,
            self.content if content is None else content,
            self.sha256 if content is None else None,
            self.mtime_ns,
            self.problem,
            self.disk_owner,
        )

    def chunks(self) -> Iterable[Chunk] | None:
        """The content piece by piece, none for an object that is sent without data; None if it is not at hand."""
        if self.kind is not Kind.FILE or self.is_hardlink:
            return ()  # a hard link's data came with its first path
        if isinstance(self.content, bytes):
            return (self.content,)
        if self.size == 0:
            return ()
        return None if self.content is None else self.content()


def file(path: str, content: bytes, mode: int = 0o644, xattrs: Mapping[str, bytes] = NO_XATTRS) -> Entry:
    """A plain file with its content at hand."""
    return Entry(path, Kind.FILE, mode, size=len(content), content=content, xattrs=xattrs)


def shown(path: str) -> str:
    """A path for messages: what cannot be printed, or is not UTF-8, is escaped."""
    return "".join(
        char
        if char.isprintable()
        else f"\\x{ord(char) - 0xDC00:02x}"
        if "\udc80" <= char <= "\udcff"
        else char.encode("unicode_escape").decode()
        for char in path
    )


def name_bytes(text: str) -> bytes:
    """A name or link text as the bytes that are hashed, whatever its encoding."""
    return text.encode("utf-8", "surrogateescape")


def walk_key(entry: Entry) -> bytes:
    """Sorts entries into the order in which a client walks and sends them."""
    return name_bytes(entry.path).replace(b"/", b"\0")
