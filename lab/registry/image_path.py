"""One path of an image in a registry, read from the image's layers as an engine unpacks them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Protocol

from lab.archives import DAMAGED
from lab.errors import ReadError
from lab.registry.archive import open_tar
from lab.registry.client import Repository, repository_of
from lab.registry.image_entry import ImagePath, read_member
from lab.registry.manifests import Platform, choose, document, is_index
from lab.registry.server import Registry

LARGEST_LAYER = 512 << 20  # bytes of a layer as the registry has it
SECONDS = 60.0  # for one layer
LINKS = 40  # links that are followed in one path, as Linux has it
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"  # a removed name, and a folder that hides what lower layers have in it


class Blobs(Protocol):
    """Where layers are read by their digests."""

    def blob(self, digest: str, largest: int) -> bytes:
        """Return a blob; ReadError if it has more than `largest` bytes, RegistryError if it does not arrive."""


class Layer:
    """The objects of one layer by their paths; ReadError if the blob is no archive."""

    def __init__(self, blob: bytes) -> None:
        self._blob = blob
        try:
            with open_tar(io.BytesIO(blob)) as archive:
                listed = [(_plain(member.name), place, member) for place, member in enumerate(archive)]
        except DAMAGED as error:
            raise _damaged(error) from error
        self.members = {name: member for name, _, member in listed}  # of several with one name, the last one counts
        self._places = {name: place for name, place, _ in listed}
        self._folders = {str(parent) for name in self.members for parent in PurePosixPath(name).parents}

    def implies(self, path: str) -> bool:
        """True if an object is below the path, which then is a folder."""
        return path in self._folders

    def hides(self, path: str) -> bool:
        """True if this layer removes or replaces what lower layers have at the path, or a folder above it."""
        wanted = PurePosixPath(path)
        if wanted.name and str(wanted.parent / (WHITEOUT + wanted.name)) in self.members:
            return True
        for folder in wanted.parents:
            member = self.members.get(str(folder))
            removed = folder.name and str(folder.parent / (WHITEOUT + folder.name)) in self.members
            replaced = member is not None and not member.isdir()
            if removed or replaced or str(folder / OPAQUE) in self.members:
                return True
        return False

    def read(self, path: str) -> ImagePath:
        """Return what the layer has at a path, which is no hard link."""
        place = self._places[path]
        try:
            with open_tar(io.BytesIO(self._blob)) as archive:
                member = next(member for number, member in enumerate(archive) if number == place)
                return read_member(archive, member)
        except DAMAGED as error:
            raise _damaged(error) from error


class Layers:
    """The layers of an image, of which only those are read that a path needs."""

    def __init__(self, blobs: Blobs, digests: Sequence[str]) -> None:
        self._blobs = blobs
        self._digests = [*reversed(digests)]  # the topmost first
        self._read: list[Layer] = []

    def at(self, path: str) -> ImagePath | None:
        """Return what is at an absolute path, without following a symbolic link at its end; None if nothing is."""
        resolved, number = self._resolved(path), 0
        for _ in range(LINKS):
            if resolved is None or (found := self._find(resolved, number)) is None:
                return None
            number, member = found
            if not member.islnk():
                listed = resolved in self._layer(number).members
                return self._layer(number).read(resolved) if listed else ImagePath(member.mode, "0:0", None)
            resolved = _plain(member.linkname)  # as that layer or a lower one has it: a higher one may replace it
        return None

    def _resolved(self, path: str) -> str | None:
        """The path without symbolic links in the folders above it; None for a loop of links."""
        left, done, followed = _parts(path), PurePosixPath(), 0
        while left:
            part = left.pop(0)
            if part == "..":
                done = done.parent
                continue
            found = self._find(str(done / part)) if left else None
            if found is None or not found[1].issym():
                done /= part
                continue
            target, followed = found[1].linkname, followed + 1
            if followed > LINKS:
                return None
            done = PurePosixPath() if target.startswith("/") else done
            left = [*_parts(target), *left]
        return str(done)

    def _find(self, path: str, first: int = 0) -> tuple[int, tarfile.TarInfo] | None:
        """The number of the highest layer that has the path, from a layer on, and the object; None if none has it."""
        implied = None
        for number in range(first, len(self._digests)):
            layer = self._layer(number)
            if path in layer.members:
                return number, layer.members[path]
            if implied is None and layer.implies(path):
                implied = number
            if layer.hides(path):
                break
        return None if implied is None else (implied, _folder(path))

    def _layer(self, number: int) -> Layer:
        while len(self._read) <= number:
            self._read.append(Layer(self._blobs.blob(self._digests[len(self._read)], LARGEST_LAYER)))
        return self._read[number]


def read_path(name: str, registry: Registry, path: str) -> ImagePath | None:
    """Return what an image of a registry has at a path; None if it has nothing there.

    Raises ReadError for an image that is damaged, RegistryError if the registry does not give it.
    """
    repository = repository_of(name, registry, SECONDS)
    return Layers(repository, _layers(repository, name)).at(path)


def _layers(repository: Repository, name: str) -> list[str]:
    """The digests of an image's layers, the lowest first."""
    manifest = document(repository.root(), f"the manifest of {name}")
    if is_index(manifest):
        manifest = document(repository.manifest(choose(manifest, Platform(), name)), f"the manifest of {name}")
    listed = manifest.get("layers")
    digests = [item.get("digest") for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    if not digests or not all(isinstance(digest, str) for digest in digests):
        raise ReadError(f"cannot read {name}: its manifest lists no layers")
    return [str(digest) for digest in digests]


def _folder(path: str) -> tarfile.TarInfo:
    """A folder that no layer lists: engines make it for what is in it."""
    made = tarfile.TarInfo(path)
    made.type, made.mode = tarfile.DIRTYPE, 0o755
    return made


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _plain(name: str) -> str:
    """A name of an archive without a slash at either end; the root is a dot."""
    return str(PurePosixPath(*_parts(name)))


def _damaged(error: Exception) -> ReadError:
    return ReadError(f"cannot read a layer of the image: it is not an archive: {error}")
