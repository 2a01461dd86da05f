"""The files in a folder or an archive, read by name within limits; archives may be compressed, also by zstd."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Protocol, cast

from lab import archives
from lab.archives import DAMAGED, content_of
from lab.errors import ReadError, reason
from lab.files import open_plain
from lab.registry.web import LARGEST

SMALL = 64 << 10  # bytes of a file that is kept when an archive is listed, because it may be needed
KEPT = 32 << 20  # bytes of all such files
MEMBERS = 20_000  # files in an archive of an image; real ones have a few hundred
WINDOW = 128 << 20  # bytes of memory that a zstd stream may ask for, as the zstd program has it
ZSTD = b"\x28\xb5\x2f\xfd"  # the first bytes of every zstd file
SKIPPABLE = b"\x2a\x4d\x18"  # the second to fourth byte of a frame that pzstd writes before it
# How a file begins that a compressor made, and what tarfile says where it cannot read more than that.
REFUSED = ((b"\x1f\x8b", "not a gzip file"), (b"BZh", "not a bzip2 file"), (b"\xfd7zXZ", "not an lzma file"))
ENDS = ("empty file", "truncated header", "unexpected end of data")  # what tarfile says behind a good beginning
AGAIN = "copy it again, or make it again"
SAVE = "make one with `docker save IMAGE --output FILE`"


class Files(Protocol):
    """Files by their paths below a root."""

    name: str

    def read(self, path: str) -> bytes | None:
        """Return a file of at most LARGEST bytes; None if it is missing, ReadError if it is larger."""

    def size(self, path: str) -> int | None:
        """Return the size of a file in bytes; None if it is missing."""


@contextmanager
def open_files(path: Path) -> Iterator[Files]:
    """Open a folder or an archive; ReadError if it is neither, or as soon as it turns out to be damaged."""
    if path.is_dir():
        yield _Folder(path)
        return
    with _translated(path):
        yield _Archive(path)


class _Folder:
    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path

    def read(self, path: str) -> bytes | None:
        if not _is_inside(path):
            return None
        try:
            with open_plain(self._path / path) as file:
                return _bounded(file.read(LARGEST + 1), f"{path} in {self.name}")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ReadError(f"cannot read {self._path / path}: {reason(error)}") from error

    def size(self, path: str) -> int | None:
        try:
            return (self._path / path).stat().st_size if _is_inside(path) else None
        except OSError:
            return None


class _Archive:
    """An archive that is listed once; a file that was not kept then is found by a further pass."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._members: dict[str, tuple[int, int]] = {}  # the place in the archive, and the size
        self._kept: dict[str, bytes] = {}
        room = KEPT
        with _tar(path) as archive:
            for place, member in enumerate(archive):
                name = _plain(member.name)
                if place >= MEMBERS:
                    raise ReadError(f"cannot read {path}: it has more than {MEMBERS} files, so it is no image")
                if not member.isfile():
                    continue
                self._members[name] = place, member.size
                self._kept.pop(name, None)  # of several with one name, the last one counts
                if member.size <= min(SMALL, room):
                    self._kept[name] = content_of(archive, member, SMALL)
                    room -= member.size

    def read(self, path: str) -> bytes | None:
        path = _plain(path)
        if path in self._kept or path not in self._members:
            return self._kept.get(path)
        place, size = self._members[path]
        if size > LARGEST:
            raise ReadError(f"cannot read {path} in {self.name}: it has {size} bytes, more than {LARGEST}")
        with _translated(self._path), _tar(self._path) as archive:
            for number, member in enumerate(archive):
                if number == place:
                    return content_of(archive, member, LARGEST)
        raise ReadError(f"cannot read {path} in {self.name}: the archive changes while it is read")

    def size(self, path: str) -> int | None:
        found = self._members.get(_plain(path))
        return found[1] if found else None


@contextmanager
def open_tar(file: IO[bytes]) -> Iterator[tarfile.TarFile]:
    """Open a tar archive, whatever compresses it, to read it once from its start; errors are those in DAMAGED."""
    start = file.read(4)
    file.seek(0)
    if start == ZSTD or start[1:] == SKIPPABLE:
        import zstandard  # here, because few archives need it

        try:
            unpacked = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(file, read_across_frames=True)
            with archives.open_tar(cast(IO[bytes], unpacked), "r|") as archive:
                yield archive
        except zstandard.ZstdError as error:
            raise tarfile.ReadError(str(error)) from error
    else:
        with archives.open_tar(file) as archive:
            yield archive


@contextmanager
def _tar(path: Path) -> Iterator[tarfile.TarFile]:
    with open_plain(path) as file, open_tar(file) as archive:
        yield archive


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn every error of a damaged archive into a ReadError."""
    try:
        yield
    except DAMAGED as error:
        if _is_cut(path, error):
            raise ReadError(f"cannot read {path}: the archive is cut off or damaged", hint=AGAIN) from error
        why = (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")
        raise ReadError(f"cannot read {path}: it is not an archive of an image: {why}", hint=SAVE) from error
    except OSError as error:
        raise ReadError(f"cannot read {path}: {reason(error)}") from error


def _is_cut(path: Path, error: Exception) -> bool:
    """True if the file begins as an archive, and its reader found an early end or a damaged compressor's header."""
    with open_plain(path) as file:
        start = file.read(8)
    refused = any(start.startswith(magic) and text in str(error) for magic, text in REFUSED)
    return bool(start) and (refused or isinstance(error, EOFError) or str(error) in ENDS)


def _plain(name: str) -> str:
    return name.removeprefix("./")


def _is_inside(path: str) -> bool:
    """True for a path that cannot lead out of its folder by its text."""
    parts = PurePosixPath(path).parts
    return bool(parts) and ".." not in parts and not path.startswith("/") and "\0" not in path


def _bounded(data: bytes, what: str) -> bytes:
    if len(data) > LARGEST:
        raise ReadError(f"cannot read {what}: it has more than {LARGEST} bytes")
    return data
