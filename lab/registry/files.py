"""Read an image's config from a file or folder: archives of `docker save`, OCI archives, OCI layouts."""

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
ZSTD = b"\x28\xb5\x2f\xfd"  # what every file of that kind begins with
DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
Read = Callable[[str], bytes | None]  # a file of the image by its path; None if it is not there


def image_of_file(path: Path, platform: Platform) -> ImageFacts:
    """What the config of the image in an archive or OCI layout says; ReadError for anything else."""
    what = str(path)
    if path.is_dir():
        return _facts(lambda name: _from_folder(path, name), platform, what)
    try:
        with path.open("rb") as file:
            if file.read(len(ZSTD)) == ZSTD:
                raise ReadError(
                    f"cannot read {what}: it is packed by zstd, which is not read here",
                    hint=f"zstd -d {path.name} unpacks it",
                )
        with tarfile.open(path, "r:*") as archive:
            return _facts(_from_archive(archive, what), platform, what)
    # tarfile lets what its decompressors and a header's fields raise pass through
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, ValueError, OverflowError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")
        raise ReadError(
            f"cannot read {what}: it is no archive of an image: {why}",
            hint="docker save IMAGE --output FILE makes one",
        ) from error
    except OSError as error:
        raise ReadError(f"cannot read {what}: {error.strerror or error}") from error


def is_layout(folder: Path) -> bool:
    """True for a folder that holds an image, as an OCI layout or an unpacked archive does."""
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
            raise ReadError(f"cannot read {what}: {name}, which it names, is not in it")
        return image_facts(config, "sha256:" + sha256(config).hexdigest(), what)
    index = read("index.json")
    if index is None:
        raise ReadError(
            f"cannot read {what}: neither manifest.json nor index.json is in it",
            hint="docker save IMAGE --output FILE makes an archive",
        )
    led: list[str] = []
    manifest = document(index, f"the index of {what}")
    for _ in range(4):  # an index of an index is usual where there are attestations
        if not is_index(manifest):
            break
        led.append(_only(manifest, platform, what))
        manifest = document(_blob(read, led[-1], what), f"the manifest of {what}")
    digest = config_digest(manifest, what)
    return image_facts(_blob(read, digest, what), digest, what, tuple(led))


def _docker_config(listed: bytes, what: str) -> str:
    """The path of the config of the one image of a `docker save`."""
    try:
        images: Any = json.loads(listed)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"cannot read the manifest of {what}: it is not JSON: {error}") from error
    images = images if isinstance(images, list) else []
    names = [item.get("Config") for item in images if isinstance(item, dict)]
    if len(names) != 1 or not isinstance(names[0], str):
        raise ReadError(
            f"cannot read {what}: {len(names)} images are in it, not one", hint="save the one image that is meant"
        )
    return names[0]


def _only(index: dict[str, Any], platform: Platform, what: str) -> str:
    """The manifest meant; the index of a layout names no platform where there is but one."""
    listed = [item for item in index.get("manifests") or () if isinstance(item, dict)]
    if len(listed) == 1 and "platform" not in listed[0] and isinstance(listed[0].get("digest"), str):
        return str(listed[0]["digest"])
    return choose(index, platform, what)


def _blob(read: Read, digest: str, what: str) -> bytes:
    match = DIGEST.fullmatch(digest)
    found = read(f"blobs/sha256/{match[1]}") if match else None
    if found is None:
        raise ReadError(f"cannot read {what}: the blob {digest}, which it names, is not in it")
    if match and sha256(found).hexdigest() != match[1]:
        raise ReadError(f"cannot read {what}: the blob {digest} has other bytes than its digest says")
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
