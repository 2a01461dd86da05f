"""What an image has at one path, and how that is read from an archive; it needs no registry."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass

from lab.archives import DAMAGED, open_tar, pieces_of


@dataclass(frozen=True, slots=True)
class ImagePath:
    """What an image has at one path: mode bits, `uid:gid`, and the sha256 of the bytes, which only a file has."""

    mode: int
    owner: str
    sha256: str | None


def read_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> ImagePath:
    """Return what an archive has of one of its objects; the errors in DAMAGED if that is not complete."""
    total = hashlib.sha256()
    for piece in pieces_of(archive, member):
        total.update(piece)
    return ImagePath(member.mode & 0o7777, f"{member.uid}:{member.gid}", total.hexdigest() if member.isfile() else None)


def read_first(archive: bytes) -> ImagePath | None:
    """Return the first object of an archive; None if it is not one, or empty."""
    try:
        with open_tar(io.BytesIO(archive)) as opened:
            member = opened.next()
            return read_member(opened, member) if member else None
    except DAMAGED:
        return None
