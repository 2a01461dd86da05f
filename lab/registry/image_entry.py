"""What an image has at one path, and how that is read from an archive; it needs no registry."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImagePath:
    """What an image has at one path: mode bits, `uid:gid`, and the sha256 of the bytes, which only a file has."""

    mode: int
    owner: str
    sha256: str | None


def read_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> ImagePath:
    """Return what an archive has of one of its objects."""
    stream = archive.extractfile(member) if member.isfile() else None
    sha256 = hashlib.sha256(stream.read()).hexdigest() if stream else None
    return ImagePath(member.mode & 0o7777, f"{member.uid}:{member.gid}", sha256)


def read_first(archive: bytes) -> ImagePath | None:
    """Return the first object of an archive; None if it is not one, or empty."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
            member = opened.next()
            return read_member(opened, member) if member else None
    except tarfile.TarError:
        return None
