"""Finds the cache in the files of an OCI layout, an OCI archive or an archive of `docker save`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from lab.buildkit.cachekeys.cache import Layer
from lab.counting import counted
from lab.errors import LabError, ReadError, UsageError
from lab.registry.archive import SAVE, Files
from lab.registry.found import FoundCache
from lab.registry.images import found_images, not_a_cache, read_config
from lab.registry.importing import Place, import_root
from lab.registry.manifests import ATTESTATION, Platform, annotations_of, choose, document, objects_in
from lab.registry.names import parse

DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
CONFIG_NAME = re.compile(r"(?:blobs/sha256/)?([0-9a-f]{64})(?:\.json)?")
TAG = "org.opencontainers.image.ref.name"
IMAGE = "io.containerd.image.name"
KIND = "local cache"


@dataclass(frozen=True, slots=True)
class Layout:
    """The blobs of an OCI layout."""

    files: Files

    def manifest(self, name: str) -> bytes:
        """Return the manifest with a digest; ReadError if it is missing or its sum is another one."""
        return self.blob(name)

    def blob(self, digest: str) -> bytes:
        """Return the blob with a digest; ReadError if it is missing or its sum is another one."""
        match = DIGEST.fullmatch(digest)
        found = self.files.read(f"blobs/sha256/{match[1]}") if match else None
        if found is None or match is None:
            raise ReadError(f"cannot read {self.files.name}: the blob {digest} is missing")
        if sha256(found).hexdigest() != match[1]:
            raise ReadError(f"cannot read {self.files.name}: the bytes of the blob {digest} do not match its digest")
        return found


def is_layout(folder: Path) -> bool:
    """True for a folder that contains an image: an OCI layout, or an unpacked archive."""
    return any((folder / name).is_file() for name in ("index.json", "manifest.json", "oci-layout"))


def find_in_files(files: Files, platform: Platform, name: str = "") -> FoundCache:
    """Find the cache of an image or a cache export; `name` chooses one of several by its tag, name or digest.

    Raises UsageError, with the names that exist, if `name` is missing or does not choose one; ReadError otherwise.
    """
    saved = files.read("manifest.json")
    if saved is not None and not DIGEST.fullmatch(name):
        images = _saved(saved, files.name)
        if images or files.read("index.json") is None:
            return _of_saved(files, _chosen(images, name, files.name))
    index = files.read("index.json")
    if index is None:
        raise ReadError(
            f"cannot read {files.name}: it contains neither manifest.json nor index.json",
            hint=f"it is no image and no cache; {SAVE}",
        )
    if DIGEST.fullmatch(name):
        return find_digest(files, platform, name)
    entries = [item for item in _entries(index, files.name) if ATTESTATION not in annotations_of(item)]
    if name:
        entries = [item for item in entries if any(_same(name, other) for other in _names(item))]
        if not entries:
            raise _unknown(name, _all_names(_entries(index, files.name)), files.name)
    digests = {str(item.get("digest")) for item in entries}
    names = {tuple(_names(item)) for item in entries}
    if len(digests) == 1:
        return find_digest(files, platform, digests.pop())
    if len(names) > 1:
        raise _unknown("", _all_names(entries), files.name)
    return find_digest(files, platform, choose({"manifests": entries}, platform, files.name))


def find_tag(files: Files, platform: Platform, tag: str) -> FoundCache:
    """Find the cache export that a tag in index.json names, as BuildKit finds it for type=local."""
    index = files.read("index.json")
    if index is None:
        raise ReadError(
            f"cannot use {files.name} as a cache: it has no index.json, so it is no cache of type=local",
            hint="name the folder that a build wrote with --cache-to type=local,dest=DIR",
        )
    entries = _entries(index, files.name)
    found = [item for item in entries if annotations_of(item).get(TAG) == tag]
    if not found:
        raise _unknown(tag, _all_names(entries), files.name)
    return find_digest(files, platform, str(found[-1].get("digest")), tag)


def find_digest(files: Files, platform: Platform, digest: str, tag: str = "") -> FoundCache:
    """Find the cache whose manifest or index has a digest."""
    layout = Layout(files)
    place = Place(layout, files.name, KIND, platform, tag, partial=True)
    return import_root(place, layout.manifest(digest), digest)


def _of_saved(files: Files, image: dict[str, Any]) -> FoundCache:
    """The inline cache of an image that `docker save` wrote, whose manifest the archive does not hold."""
    path = image.get("Config")
    config = files.read(path) if isinstance(path, str) else None
    if config is None or not isinstance(path, str):
        raise ReadError(f"cannot read {files.name}: its manifest names {path}, which is missing")
    match = CONFIG_NAME.fullmatch(path)
    digest = sha256(config).hexdigest()
    if match and match[1] != digest:
        raise ReadError(f"cannot read {files.name}: the bytes of {path} do not match its digest")
    listed = image.get("Layers")
    paths = [item for item in listed if isinstance(item, str)] if isinstance(listed, list) else []
    layers = [Layer(_layer_digest(item), files.size(item)) for item in paths]
    found = read_config(config, f"sha256:{digest}", files.name, (), layers)
    return found_images(files.name, [found], "")


def _layer_digest(path: str) -> str:
    match = CONFIG_NAME.fullmatch(path)
    return f"sha256:{match[1]}" if match else path


def _saved(text: bytes, what: str) -> list[dict[str, Any]]:
    """The images that the manifest of `docker save` lists."""
    try:
        images: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"cannot read the manifest of {what}: it is not JSON: {error}") from error
    return objects_in(images)


def _chosen(images: list[dict[str, Any]], name: str, what: str) -> dict[str, Any]:
    """The image with a name, or the only one."""
    tags = {place: _tags(image) for place, image in enumerate(images)}
    fitting = [place for place, known in tags.items() if not name or any(_same(name, tag) for tag in known)]
    if len(fitting) == 1:
        return images[fitting[0]]
    if not images:
        raise ReadError(f"cannot read {what}: it contains no image", hint=SAVE)
    raise _unknown(name, [tag for known in tags.values() for tag in known], what)


def _tags(image: dict[str, Any]) -> list[str]:
    tags = image.get("RepoTags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def _entries(index: bytes, what: str) -> list[dict[str, Any]]:
    found = objects_in(document(index, f"the index of {what}").get("manifests"))
    if not found:
        raise not_a_cache(what, "a layout whose index lists nothing")
    return found


def _names(entry: dict[str, Any]) -> list[str]:
    notes = annotations_of(entry)
    return [name for key in (TAG, IMAGE) if isinstance(name := notes.get(key), str)]


def _all_names(entries: list[dict[str, Any]]) -> list[str]:
    """The names of entries; the digest of one without a name."""
    return [name for item in entries for name in (_names(item)[-1:] or [str(item.get("digest"))])]


def _same(wanted: str, name: str) -> bool:
    """True if two texts name one image: by their letters, or as Docker completes them."""
    if wanted == name:
        return True
    try:
        return str(parse(wanted)) == str(parse(name))
    except LabError:
        return False


def _unknown(name: str, known: list[str], what: str) -> UsageError:
    """The error for a name that chooses nothing, or that is missing where there are several."""
    names = ", ".join(dict.fromkeys(known)) or "none with a name"
    said = f'it has no "{name}"' if name else f"it contains {counted(len(known), 'image')} or caches"
    return UsageError(
        f"cannot choose in {what}: {said}; the names in it are {names}",
        hint=f"name one as {what}#NAME, or with tag= or digest=",
    )
