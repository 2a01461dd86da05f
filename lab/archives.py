"""Tar archives that strangers made: tarfile's own reader, with limits for what a header may ask for.

tarfile reads a header of any stated size into memory, and follows a negative size back to where it was, so for ever. It
fills the gaps of a sparse file with as many zeros as its header states. At the end of a stream it reads on until it has
asked for as many bytes as a header states.
"""

from __future__ import annotations

import gzip
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

LARGEST_HEADER = 1 << 20  # bytes of a long name or of pax records; Linux takes no path of more than 4,096
HEADERS = (  # the types of members that describe other ones
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
MOST_EMPTY = 16  # reads at the end of a stream; a whole archive takes two at most
PIECE = 1 << 20  # bytes of a member that are read at once
# What a damaged archive raises: tarfile does not catch errors of its decompressors and of malformed header fields, and
# calls itself for each header that describes the next one.
DAMAGED = (
    tarfile.TarError,
    gzip.BadGzipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    ValueError,
    OverflowError,
    RecursionError,
)


class _Member(tarfile.TarInfo):
    """A member whose header is checked before tarfile acts on it."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:  # the place that tarfile has for subclasses
        if self.size < 0 or (self.type in HEADERS and self.size > LARGEST_HEADER):
            raise tarfile.ReadError(f"a header states a size of {self.size} bytes")
        found: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        if found.size < 0 or archive.offset <= self.offset:
            raise tarfile.ReadError("a header leads back to where the archive was read before")
        return found


class _Stream:
    """A stream that tarfile reads without seeking; EOFError if it is read again and again at its end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._empty = 0

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes; none at the end."""
        data = self._file.read(size)
        self._empty = 0 if data else self._empty + 1
        if self._empty > MOST_EMPTY:
            raise EOFError("it ends in the middle of a file")
        return data


@contextmanager
def open_tar(file: IO[bytes], mode: str = "r:*") -> Iterator[tarfile.TarFile]:
    """Open an archive to read it from its start; what a damaged one raises is in DAMAGED.

    `mode` is tarfile's: by default any compression that tarfile knows, `r|` for a stream without any.
    """
    source = _Stream(file) if mode == "r|" else file
    with tarfile.open(fileobj=source, mode=mode, tarinfo=_Member) as archive:  # type: ignore[call-overload]
        yield archive


def pieces_of(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    """Yield the content of a plain file; tarfile.ReadError for a sparse file, EOFError for one that is not complete."""
    if member.issparse():
        raise tarfile.ReadError(f"{member.name!r} is a sparse file")
    stream = archive.extractfile(member) if member.isfile() else None
    left = member.size if stream else 0
    while stream and left and (piece := stream.read(min(left, PIECE))):
        left -= len(piece)
        yield piece
    if left:
        raise EOFError("it ends in the middle of a file")


def content_of(archive: tarfile.TarFile, member: tarfile.TarInfo, largest: int) -> bytes:
    """Return the content of a plain file; tarfile.ReadError if it has more than `largest` bytes, or as `pieces_of`."""
    if member.size > largest:
        raise tarfile.ReadError(f"{member.name!r} has {member.size} bytes, more than {largest}")
    return b"".join(pieces_of(archive, member))
