"""The inline caches of images, as BuildKit reads them; an image without one is refused with what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.buildkit.cachekeys.cache import Cache, Layer
from lab.buildkit.cachekeys.cacheconfig import moment
from lab.buildkit.cachekeys.inline import decode
from lab.counting import counted
from lab.errors import ReadError
from lab.registry.foreign import foreign_builder
from lab.registry.found import FoundCache
from lab.registry.manifests import document, image_facts
from lab.results.facts import ImageFacts

INLINE = "inline cache of an image"
WITH_INLINE = "build it with --cache-to type=inline (buildx) or --build-arg BUILDKIT_INLINE_CACHE=1 (docker build)"


@dataclass(frozen=True, slots=True)
class Image:
    """An image, its inline cache (None if BuildKit takes none), why it takes none, and whose cache it may be."""

    facts: ImageFacts
    cache: Cache | None = None
    problem: str = ""
    builder: str | None = None


class NotACacheError(ReadError):
    """What `--cache-from` names was read, and it is no cache of BuildKit."""


def not_a_cache(name: str, kind: str, hint: str | None = None) -> NotACacheError:
    """Return the error that says what was found instead of a cache."""
    return NotACacheError(
        f"cannot use {name} as a cache: it is {kind}",
        hint=hint or "name what a build wrote with --cache-to, or an image that was built with an inline cache",
    )


def read_config(
    config: bytes, digest: str, name: str, led: tuple[str, ...], layers: Sequence[Layer], tag: str = ""
) -> Image:
    """Read an image's config; `layers` are those of its manifest, `led` the digests that led to it."""
    facts = image_facts(config, digest, name, led)
    data = document(config, f"the config of {name}")
    if facts.cache is None:
        return Image(facts, builder=foreign_builder(data, tag))
    if len(layers) != len(facts.diff_ids) or not layers:
        # buildkit logs "invalid image with mismatching manifest and config" and goes on
        named = f"the image's config names {counted(len(facts.diff_ids), 'layer')}, its manifest {len(layers)}"
        return Image(facts, problem=f"BuildKit ignores the inline cache: {named}")
    times = [*_times(data), *(None for _ in layers)]
    placed = [
        Layer(
            layer.digest
            if layer.digest.startswith("sha256:")
            else facts.diff_ids[place],  # `docker save` names folders
            layer.size,
            times[place],
            place - 1 if place else None,
        )
        for place, layer in enumerate(layers)
    ]
    return Image(facts, decode(facts.cache, placed))


def found_images(name: str, images: Sequence[Image], digest: str) -> FoundCache:
    """Return the caches of images, the wanted one first; ReadError if none has an inline cache."""
    first = images[0]
    caches = tuple(image.cache for image in images if image.cache)
    problem = "" if caches else next((image.problem for image in images if image.problem), "")
    if not caches and not problem:
        if first.builder:
            raise not_a_cache(name, first.builder, "BuildKit reads no cache of another builder")
        raise not_a_cache(name, "an image without an inline cache", WITH_INLINE)
    return FoundCache(INLINE, name, caches, first.facts, problem, digest)


def _times(config: Mapping[str, Any]) -> list[Any]:
    """When each layer of an image was made, by its history."""
    history = config.get("history")
    made = [item for item in history if isinstance(item, dict)] if isinstance(history, list) else []
    return [moment(item.get("created")) for item in made if not item.get("empty_layer")]
