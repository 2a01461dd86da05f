"""Finds what BuildKit imports from a manifest or index: a cache config, or the inline caches of an image.

The rules are those of moby/buildkit cache/remotecache/import.go. Where BuildKit imports nothing although there is a
cache, `FoundCache.problem` says why. What is no cache at all is a ReadError that names what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from lab.buildkit.cachekeys.cache import Cache, Layer
from lab.buildkit.cachekeys.cacheconfig import MEDIA_TYPE, decode_config, moment
from lab.counting import counted
from lab.errors import LabError, ReadError
from lab.registry.client import MissingError
from lab.registry.foreign import foreign_kind
from lab.registry.found import FoundCache
from lab.registry.images import INLINE, Image, NotACacheError, found_images, not_a_cache, read_config
from lab.registry.manifests import (
    ATTESTATION,
    Platform,
    annotations_of,
    choose,
    config_digest,
    document,
    is_index,
    objects_in,
)

LIMIT = 1 << 20  # bytes of a manifest or cache config that BuildKit imports from a registry or folder (buildkit#3719)
CREATED = "buildkit/createdat"  # the annotation of a layer's descriptor


class Store(Protocol):
    """Where manifests and blobs lie: a repository, a folder or an archive. What it returns fits its digest."""

    def manifest(self, name: str) -> bytes:
        """Return a manifest by its digest; ReadError or RegistryError if there is none."""

    def blob(self, digest: str) -> bytes:
        """Return a blob by its digest; ReadError or RegistryError if there is none."""


@dataclass(frozen=True, slots=True)
class Place:
    """One root to import from: the store, its name, the kind of a cache that is found there, and the platform.

    `tag` is the one that leads to the root; it shows the caches of some other builders. `partial` is true for an
    archive, which may hold the images of some platforms alone.
    """

    store: Store
    name: str
    kind: str
    platform: Platform
    tag: str = ""
    partial: bool = False


def import_root(place: Place, text: bytes, digest: str) -> FoundCache:
    """Import from a manifest or index, whose bytes and digest are given; ReadError if they hold no cache."""
    found = _import(place, document(text, f"the manifest of {place.name}"), digest)
    too_large = _too_large(len(text), "its manifest")
    return replace(found, caches=(), problem=too_large) if too_large else found


def _import(place: Place, manifest: dict[str, Any], digest: str) -> FoundCache:
    if is_index(manifest):
        entries = objects_in(manifest.get("manifests"))
        if not entries:
            raise not_a_cache(place.name, "an index that lists nothing")
        configs = [item for item in entries if item.get("mediaType") == MEDIA_TYPE]
        if configs:  # of several, BuildKit takes the last one
            others = [item for item in entries if item.get("mediaType") != MEDIA_TYPE]
            return _exported(place, configs[-1], others, digest)
        return _of_images(place, manifest, digest)
    config = manifest.get("config")
    if isinstance(config, dict) and config.get("mediaType") == MEDIA_TYPE:
        return replace(_exported(place, config, objects_in(manifest.get("layers")), digest), image_manifest=True)
    return found_images(place.name, [_image(place, manifest, (digest,))], digest)


def of_exports(kind: str, name: str, caches: Sequence[Cache], digest: str = "") -> FoundCache:
    """Return what exported caches hold; one without records counts as none."""
    held = tuple(cache for cache in caches if cache.records)
    return FoundCache(kind, name, held, problem="" if held else "the cache lists no records", digest=digest)


def _exported(place: Place, config: Mapping[str, Any], others: list[dict[str, Any]], digest: str) -> FoundCache:
    """The cache of a cache config, with the layers that stand beside it."""
    too_large = _too_large(config.get("size"), "its cache config")
    if too_large:
        return FoundCache(place.kind, place.name, problem=too_large, digest=digest)
    name = config.get("digest")
    if not isinstance(name, str):
        raise ReadError(f"cannot read {place.name}: its cache config has no digest")
    blobs = {layer.digest: layer for layer in map(_layer, others)}
    cache = decode_config(place.store.blob(name), f"the cache config of {place.name}", blobs)
    return of_exports(place.kind, place.name, [cache], digest)


def _of_images(place: Place, index: dict[str, Any], digest: str) -> FoundCache:
    """The inline caches of all images of an index and of its indexes, that of the platform first.

    If one of the others cannot be read, BuildKit imports none of them. An index without an image for the platform is
    read like an image for another platform.
    """
    wanted, missing = _chosen(place, index, (digest,))
    images = [_image(place, *wanted)] if wanted else []
    try:
        images += _others(place, index, (digest,), wanted[1] if wanted else ())
    except (ReadError, MissingError) as error:  # any other error says nothing about the image itself
        why = f"BuildKit imports nothing from it, because one of its images cannot be read: {error.message}"
        return FoundCache(INLINE, place.name, image=images[0].facts if images else None, problem=why, digest=digest)
    if not images and missing:
        raise missing
    return found_images(place.name, images, digest)


Led = tuple[str, ...]  # the digests that lead to a manifest, its own last


def _chosen(
    place: Place, index: dict[str, Any], led: Led
) -> tuple[tuple[dict[str, Any], Led] | None, ReadError | None]:
    """The manifest for the platform, also of an index in the index; None and why if there is none."""
    try:
        digest = choose(index, place.platform, place.name)
    except ReadError as error:
        return None, error
    manifest = _manifest(place, digest)
    return _chosen(place, manifest, (*led, digest)) if is_index(manifest) else ((manifest, (*led, digest)), None)


def _others(place: Place, index: dict[str, Any], led: Led, wanted: Led) -> Iterator[Image]:
    """The images of an index and of its indexes but the wanted one; an archive may lack those of other platforms."""
    for item in objects_in(index.get("manifests")):
        digest = item.get("digest")
        if not isinstance(digest, str) or ATTESTATION in annotations_of(item) or (*led, digest) == wanted:
            continue
        try:
            manifest = _manifest(place, digest)
            if is_index(manifest):
                yield from _others(place, manifest, (*led, digest), wanted)
            else:
                yield _image(place, manifest, (*led, digest))
        except NotACacheError:
            continue  # BuildKit takes no cache from it, and goes on
        except LabError:
            if not place.partial:
                raise


def _manifest(place: Place, digest: str) -> dict[str, Any]:
    return document(place.store.manifest(digest), f"the manifest of {place.name}")


def _image(place: Place, manifest: dict[str, Any], led: tuple[str, ...]) -> Image:
    """An image's facts and its inline cache, if BuildKit takes it."""
    kind = foreign_kind(manifest)
    if kind:
        raise not_a_cache(place.name, kind)
    name = config_digest(manifest, place.name)
    layers = [_layer(item) for item in objects_in(manifest.get("layers"))]
    return read_config(place.store.blob(name), name, place.name, led, layers, place.tag)


def _too_large(size: Any, part: str) -> str:
    if not isinstance(size, int) or size <= LIMIT:
        return ""
    found = f"{part} has {counted(size, 'byte')}"
    return f"BuildKit does not import it: {found}, more than the {LIMIT:,} it accepts (buildkit#3719)"


def _layer(item: Mapping[str, Any]) -> Layer:
    """The layer of a descriptor."""
    size = item.get("size")
    return Layer(
        str(item.get("digest")),
        size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        moment(annotations_of(item).get(CREATED)),
    )
