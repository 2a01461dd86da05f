"""One object of a build context as the daemon receives it: its metadata and its content."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

Chunk = bytes | memoryview
Content = bytes | Callable[[], Iterable[Chunk]]
NO_XATTRS: Mapping[str, bytes] = MappingProxyType({})


class Kind(StrEnum):
    """The type of an object; a hard link is a file (or a device) whose `linkname` names an earlier path."""

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

    `path` is relative to the context's root, with "/" between names and no "/" at its ends. Names that are not UTF-8
    are decoded as by os.fsdecode. `mode` is the permission bits plus 04000, 02000, 01000. `uid` and `gid` are those
    that the daemon receives; a docker client always sends 0. `size` is used for files only. `linkname` is the text of a
    symbolic link, or the earlier path of which this object is a hard link. `xattrs` contains raw values, including a
    final NUL. `content` is the bytes of a file, or a function that yields them each time it is called; None if they are
    not available. `sha256` is the sha256 of the content alone (64 hex digits), None if it is not known. `mtime_ns` is
    None if it is not known; no digest depends on it. `problem` is the reason why the object cannot be digested, such as
    "permission denied"; it matters only if a digest needs the object. `disk_owner` is the owner on disk as "uid:gid",
    None if it is not known; no client sends it.
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
        """True if the object is another name of an object with an earlier path."""
        return bool(self.linkname) and self.kind is not Kind.SYMLINK

    def but(
        self,
        *,
        mode: int | None = None,
        owner: tuple[int, int] | None = None,
        xattrs: Mapping[str, bytes] | None = None,
        content: bytes | None = None,
    ) -> Entry:
        """Return a copy of the object with other values; `owner` is uid and gid.

        It is faster than dataclasses.replace, because a search makes millions of copies.
        """
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
        """Return the pieces of the content: no pieces for an object without data, None if it is not available."""
        if self.kind is not Kind.FILE or self.is_hardlink:
            return ()  # the client sends the data of a hard link with its first path
        if isinstance(self.content, bytes):
            return (self.content,)
        if self.size == 0:
            return ()
        return None if self.content is None else self.content()

    def whole(self) -> bytes:
        """Return the whole content; no bytes for an object without data, or whose content is not available."""
        return b"".join(bytes(chunk) for chunk in self.chunks() or ())


def file(path: str, content: bytes, mode: int = 0o644, xattrs: Mapping[str, bytes] = NO_XATTRS) -> Entry:
    """Return a plain file with its content in memory."""
    return Entry(path, Kind.FILE, mode, size=len(content), content=content, xattrs=xattrs)


def has_links(entries: Iterable[Entry]) -> bool:
    """Return whether one of the objects is a symbolic link."""
    return any(entry.kind is Kind.SYMLINK for entry in entries)


def shown(path: str) -> str:
    """Return a path for messages: characters that are not printable or not UTF-8 are escaped."""
    return "".join(
        char
        if char.isprintable()
        else f"\\x{ord(char) - 0xDC00:02x}"
        if "\udc80" <= char <= "\udcff"
        else char.encode("unicode_escape").decode()
        for char in path
    )


def name_bytes(text: str) -> bytes:
    """Return the bytes of a name or link text that are hashed, in any encoding."""
    return text.encode("utf-8", "surrogateescape")


def walk_key(entry: Entry) -> bytes:
    """Return the sort key for the order in which a client walks and sends entries."""
    return name_bytes(entry.path).replace(b"/", b"\0")
