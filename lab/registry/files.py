"""Reads an image's config from a file or folder: archives of `docker save`, OCI archives, OCI layouts."""

from __future__ import annotations

import json
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from lab.errors import ReadError
from lab.registry.manifests import Platform, choose, config_digest, document, image_facts, is_index
from lab.results.run import ImageFacts

LARGEST = 16 << 20  # bytes of a manifest or config
ZSTD = b"\x28\xb5\x2f\xfd"  # the first bytes of every zstd file
DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
Read = Callable[[str], bytes | None]  # reads a file of the image by its path; None if it is missing


def image_of_file(path: Path, platform: Platform) -> ImageFacts:
    """Read the config of the image in an archive or OCI layout; ReadError for anything else."""
    what = str(path)
    if path.is_dir():
        return _facts(lambda name: _from_folder(path, name), platform, what)
    try:
        with path.open("rb") as file:
            if file.read(len(ZSTD)) == ZSTD:
                raise ReadError(
                    f"cannot read {what}: it is compressed with zstd, which lab does not support",
                    hint=f"unpack it with `zstd -d {path.name}`",
                )
        with tarfile.open(path, "r:*") as archive:
            return _facts(_from_archive(archive, what), platform, what)
    # tarfile does not catch the errors of its decompressors and of malformed header fields
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, ValueError, OverflowError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")
        raise ReadError(
            f"cannot read {what}: it is not an archive of an image: {why}",
            hint="make one with `docker save IMAGE --output FILE`",
        ) from error
    except OSError as error:
        raise ReadError(f"cannot read {what}: {error.strerror or error}") from error


def is_layout(folder: Path) -> bool:
    """True for a folder that contains an image: an OCI layout, or an unpacked archive."""
    return any((folder / name).is_file() for name in ("index.json", "manifest.json", "oci-layout"))


def _from_archive(archive: tarfile.TarFile, what: str) -> Read:
    members = {item.name.removeprefix("./"): item for item in archive if item.isfile()}

    def read(name: str) -> bytes | None:
        member = members.get(name)
        stream = archive.extractfile(member) if member else None
        return None if stream is None else _bounded(stream.read(LARGEST + 1), f"{name} in {what}")

    return read


def _facts(read: Read, platform: Platform, what: str) -> ImageFacts:
    listed = read("manifest.json")
    if listed is not None:
        name = _docker_config(listed, what)
        config = read(name)
        if config is None:
            raise ReadError(f"cannot read {what}: its manifest names {name}, which is missing")
        return image_facts(config, "sha256:" + sha256(config).hexdigest(), what)
    index = read("index.json")
    if index is None:
        raise ReadError(
            f"cannot read {what}: it contains neither manifest.json nor index.json",
            hint="make an archive with `docker save IMAGE --output FILE`",
        )
    led: list[str] = []
    manifest = document(index, f"the index of {what}")
    for _ in range(4):  # an index of an index is usual for images with attestations
        if not is_index(manifest):
            break
        led.append(_only(manifest, platform, what))
        manifest = document(_blob(read, led[-1], what), f"the manifest of {what}")
    digest = config_digest(manifest, what)
    return image_facts(_blob(read, digest, what), digest, what, tuple(led))


def _docker_config(listed: bytes, what: str) -> str:
    """Return the path of the config of the only image in an archive of `docker save`."""
    try:
        images: Any = json.loads(listed)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"cannot read the manifest of {what}: it is not JSON: {error}") from error
    images = images if isinstance(images, list) else []
    names = [item.get("Config") for item in images if isinstance(item, dict)]
    if len(names) != 1 or not isinstance(names[0], str):
        raise ReadError(
            f"cannot read {what}: it contains {len(names)} images, not one", hint="save only the image to examine"
        )
    return names[0]


def _only(index: dict[str, Any], platform: Platform, what: str) -> str:
    """Return the digest of the manifest; a layout with only one image may name no platform for it."""
    listed = [item for item in index.get("manifests") or () if isinstance(item, dict)]
    if len(listed) == 1 and "platform" not in listed[0] and isinstance(listed[0].get("digest"), str):
        return str(listed[0]["digest"])
    return choose(index, platform, what)


def _blob(read: Read, digest: str, what: str) -> bytes:
    match = DIGEST.fullmatch(digest)
    found = read(f"blobs/sha256/{match[1]}") if match else None
    if found is None:
        raise ReadError(f"cannot read {what}: the blob {digest} is missing")
    if match and sha256(found).hexdigest() != match[1]:
        raise ReadError(f"cannot read {what}: the bytes of the blob {digest} do not match its digest")
    return found


def _from_folder(folder: Path, name: str) -> bytes | None:
    try:
        with (folder / name).open("rb") as file:
            return _bounded(file.read(LARGEST + 1), str(folder / name))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReadError(f"cannot read {folder / name}: {error.strerror}") from error


def _bounded(data: bytes, what: str) -> bytes:
    if len(data) > LARGEST:
        raise ReadError(f"cannot read {what}: it is larger than any manifest or config")
    return data
