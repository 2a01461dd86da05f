"""Read a local folder as a build context with lstat, readlink and getxattr; contents are read only when needed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lab.buildkit.contenthash.entry import NO_XATTRS, Chunk, Entry, Kind, shown
from lab.buildkit.contenthash.patterns import UNKNOWN, Matched, Matcher, read_ignore_file
from lab.buildkit.dockerignore import is_left_out
from lab.errors import ContextError, HostError
from lab.files import read_plain

CHUNK = 1 << 20
KINDS = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFDIR: Kind.DIR,
    stat.S_IFLNK: Kind.SYMLINK,
    stat.S_IFIFO: Kind.FIFO,
    stat.S_IFCHR: Kind.CHAR,
    stat.S_IFBLK: Kind.BLOCK,
    stat.S_IFSOCK: Kind.FILE,  # from 19.03.3 on, clients clear the socket bit before they send it
}


def read_context(folder: Path, dockerfile: Path | None = None, *, by_name: bool = False) -> list[Entry]:
    """List the objects that a docker client would send of the folder, in the order of the client's walk.

    The ignore file is applied, with `by_name` as clients before BuildKit 0.10 do: see `sent_objects`. `dockerfile` is
    the file that -f names. `uid` and `gid` are 0, as clients send them. An object that cannot be read is listed with
    its `problem`; it causes an error only when it is digested. ContextError if the folder or its ignore file cannot be
    read; HostError if Python cannot read extended attributes on this system.
    """
    if not hasattr(os, "listxattr"):
        raise HostError("cannot read extended attributes: Python does not support them on this system")
    if not folder.is_dir():
        raise ContextError(
            f"cannot read the context {folder}: it is not a folder", hint="name the folder that docker build gets"
        )
    walk = _Walk(str(folder), ignore_matcher(folder, dockerfile), by_name=by_name)
    return list(walk.entries())


def read_object(folder: Path, path: str) -> Entry | None:
    """Read one object of a folder, whether a client sends it or not; None if it does not exist."""
    return _Walk(str(folder), Matcher(()))._entry(path)


def ignore_matcher(folder: Path, dockerfile: Path | None = None) -> Matcher:
    """Read the patterns of the ignore file beside the Dockerfile, or else of .dockerignore in the context.

    The first is named as the Dockerfile with .dockerignore after it, wherever the Dockerfile is. No file means no
    patterns. ContextError if the file cannot be read.
    """
    recipe = dockerfile or folder / "Dockerfile"
    for path in (recipe.parent / f"{recipe.name}.dockerignore", folder / ".dockerignore"):
        try:
            return Matcher(read_ignore_file(read_plain(path).decode("utf-8", "surrogateescape")))
        except FileNotFoundError:
            continue
        except (OSError, ContextError) as error:
            why = error.strerror if isinstance(error, OSError) else error.message
            raise ContextError(f"cannot read {path}: {why}") from error
    return Matcher(())


@dataclass(slots=True)
class _Directory:
    """A directory above the current path: whether it was listed, and which ignore patterns match it."""

    entry: Entry
    listed: bool
    matched: Matched


class _Walk:
    """One walk through a folder."""

    def __init__(self, root: str, ignore: Matcher, *, by_name: bool = False) -> None:
        self.root = root
        self.ignore = ignore
        self.by_name = by_name
        self.seen: dict[tuple[int, int], str] = {}

    def entries(self) -> Iterator[Entry]:
        """Yield every object that is not ignored, and every ignored directory that contains such an object."""
        names, problem = self._names("")
        if problem:
            raise ContextError(f"cannot read the context {self.root}: {problem}")
        holders: list[_Directory] = []
        waiting = list(reversed(names))
        while waiting:
            path = waiting.pop()
            while holders and not path.startswith(holders[-1].entry.path + "/"):
                holders.pop()
            entry = self._entry(path)
            if entry is None:
                continue
            ignored, matched = self._ignored(entry, holders)
            if not ignored:
                for holder in holders:
                    if not holder.listed:
                        holder.listed = True
                        yield holder.entry
                entry = self._linked(entry)
            if entry.kind is Kind.DIR and not (ignored and self._skips(path)):
                names, problem = self._names(path)
                if problem and not ignored:
                    entry = replace(entry, problem=problem)
                waiting += [f"{path}/{name}" for name in reversed(names)]
                holders.append(_Directory(entry, not ignored, matched))
            if not ignored:
                yield entry

    def _ignored(self, entry: Entry, holders: list[_Directory]) -> tuple[bool, Matched]:
        """Return whether a client leaves an object out, and the matches that the objects below it inherit."""
        if self.by_name:
            return is_left_out(entry, self.ignore), UNKNOWN
        return self.ignore.match(entry.path, holders[-1].matched if holders else UNKNOWN)

    def _skips(self, path: str) -> bool:
        """True if no exception to the ignore patterns can match below an ignored directory."""
        if self.by_name:
            return True
        exceptions = [pattern.text for pattern in self.ignore.patterns if pattern.exception]
        plain = [text.removesuffix("/**").removesuffix("/*") for text in exceptions]
        return not any(set(text) & set("*[]?^\\") or f"{text}/".startswith(f"{path}/") for text in plain)

    def _names(self, path: str) -> tuple[list[str], str | None]:
        """Return the names in a directory in byte order, and the reason if they cannot be listed."""
        try:
            with os.scandir(f"{self.root}/{path}") as found:
                return sorted((item.name for item in found), key=os.fsencode), None
        except OSError as error:
            return [], f"it cannot be listed: {error.strerror}"

    def _entry(self, path: str) -> Entry | None:
        """Read the object at a path; None if it no longer exists."""
        place = f"{self.root}/{path}"
        try:
            found = os.lstat(place)
            kind = KINDS.get(stat.S_IFMT(found.st_mode), Kind.FILE)
            linkname = os.readlink(place) if kind is Kind.SYMLINK else ""  # noqa: PTH115 (a Path changes the text)
        except FileNotFoundError:
            return None
        except OSError as error:
            return Entry(path, problem=f"its metadata cannot be read: {error.strerror}")
        xattrs, problem = _xattrs(place)
        is_device = kind in (Kind.CHAR, Kind.BLOCK)
        return Entry(
            path,
            kind,
            stat.S_IMODE(found.st_mode),
            size=found.st_size if kind is Kind.FILE else 0,
            linkname=linkname,
            devmajor=os.major(found.st_rdev) if is_device else 0,
            devminor=os.minor(found.st_rdev) if is_device else 0,
            xattrs=xattrs,
            content=_content(place, path, found) if kind is Kind.FILE else None,
            mtime_ns=found.st_mtime_ns,
            problem=problem or name_problem(path, linkname, xattrs),
            disk_owner=f"{found.st_uid}:{found.st_gid}",
        )

    def _linked(self, entry: Entry) -> Entry:
        """Return the entry as a hard link if the walk has already found another path of the same file."""
        if not isinstance(entry.content, FileContent) or entry.content.links < 2:
            return entry
        first = self.seen.setdefault(entry.content.identity, entry.path)
        return entry if first == entry.path else replace(entry, linkname=first)


class FileContent:
    """The content of one file, read from disk at each call; ContextError if it cannot be read or has changed."""

    __slots__ = ("identity", "links", "path", "place", "stamp")

    def __init__(self, place: str, path: str, found: os.stat_result) -> None:
        self.place = place
        self.path = path
        self.identity = (found.st_dev, found.st_ino)
        self.links = found.st_nlink
        self.stamp = _stamp(found)

    def __call__(self) -> Iterator[Chunk]:
        """Yield the content in pieces of at most 1 MiB; each piece is valid until the next one is requested."""
        try:
            descriptor = _open(self.place)
        except OSError as error:
            raise self._error(error.strerror) from error
        try:
            self._check(descriptor)
            yield from _chunks(descriptor, self.stamp[0])
            self._check(descriptor)
        except OSError as error:
            raise self._error(error.strerror) from error
        finally:
            os.close(descriptor)

    def _check(self, descriptor: int) -> None:
        if _stamp(os.fstat(descriptor)) != self.stamp:
            raise ContextError(
                f"cannot digest {shown(self.path)}: it changed while the context was read",
                hint="stop the programs that write to it and try again",
            )

    def _error(self, why: str | None) -> ContextError:
        return ContextError(f"cannot read {shown(self.path)}: {why}", hint="docker build cannot send it either")


def _content(place: str, path: str, found: os.stat_result) -> FileContent | bytes:
    """Return the content that a client sends for a file; a socket is sent as an empty file."""
    return b"" if stat.S_ISSOCK(found.st_mode) else FileContent(place, path, found)


def _chunks(descriptor: int, size: int) -> Iterator[Chunk]:
    """Yield a small file in one piece, and a large file through one reused buffer."""
    if size < CHUNK:
        yield os.read(descriptor, size + 1)
        return
    buffer = memoryview(bytearray(CHUNK))
    while count := os.readv(descriptor, [buffer]):
        yield buffer[:count]


def _open(place: str) -> int:
    """Open a file for reading; its access time does not change where that is permitted, and no link is followed."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(place, flags | getattr(os, "O_NOATIME", 0))
    except PermissionError:
        return os.open(place, flags)


def _stamp(found: os.stat_result) -> tuple[int, int, int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev


def _xattrs(place: str) -> tuple[dict[str, bytes], str | None]:
    """Return the raw extended attributes that can be read, and the reason if they cannot be listed."""
    try:
        names = os.listxattr(place, follow_symlinks=False)
    except OSError as error:
        none = error.errno in (errno.ENOTSUP, errno.EOPNOTSUPP)
        return dict(NO_XATTRS), None if none else f"its attributes cannot be listed: {error.strerror}"
    found: dict[str, bytes] = {}
    for name in names:
        try:
            found[name] = os.getxattr(place, name, follow_symlinks=False)
        except OSError:
            continue  # a docker client skips it too
    return found, None


def name_problem(path: str, linkname: str, attributes: Iterable[str] = ()) -> str | None:
    """Return the reason why lab cannot digest an object with such names; None if it can."""
    names = [(name, "the name of an attribute") for name in attributes]
    for text, what in ((path, "its name"), (linkname, "its link target"), *names):
        try:
            text.encode()
        except UnicodeEncodeError:
            return f"{what} is not UTF-8, and lab does not know what a docker client sends in that case"
    return None
