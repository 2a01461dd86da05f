"""What a cache source holds: the decoded caches, and the image where the source is one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.rulebook import Known
from lab.results.facts import ImageFacts
from lab.results.stores import CONTAINERD, FIRST_BY_DEFAULT
from lab.versions import numbers

# The first versions of BuildKit that read a cache config in an image manifest, and results of several layers. Those
# before take such a manifest for an image, find no inline cache in it, and go on silently (seen with Docker 20.10.24).
IMAGE_MANIFEST, CHAINS = (0, 12), (0, 10)


class Importer(StrEnum):
    """Which engines can import a kind of cache (moby builder/builder-next/controller.go, buildkit cmd/buildkitd)."""

    EVERY = "every BuildKit"
    STORE = "a BuildKit of its own or a Docker with the containerd image store"
    ALONE = "a BuildKit of its own"


@dataclass(frozen=True)
class FoundCache:
    """One `--cache-from` as it was read: its kind in words, its name, the caches that BuildKit imports, the image.

    `caches` has one `Cache` for each export: an image has one, an image index one for each platform that has a cache
    (the platform asked for is first). `image` is None for a source that holds a cache but no image. `problem` is a
    sentence that says why BuildKit imports nothing from this source; `caches` is then empty. `digest` is that of the
    manifest or index, or empty for a source that has none. `image_manifest` is true for a cache that was exported with
    image-manifest=true, and `importer` states which engines can import it; `seen_by` says what one of them reads of it.
    """

    kind: str
    name: str
    caches: tuple[Cache, ...] = ()
    image: ImageFacts | None = None
    problem: str = ""
    digest: str = ""
    image_manifest: bool = False
    importer: Importer = Importer.EVERY

    @property
    def count(self) -> int:
        """The number of records in all caches."""
        return sum(len(cache.records) for cache in self.caches)

    def seen_by(self, engine: Known) -> FoundCache:
        """Return the source as this engine reads it: without what its BuildKit does not import, or not understand."""
        version = numbers(engine.buildkit or "")
        if not self.caches:
            return self
        if not _has_importer(self.importer, engine):
            return self._unread(engine, f"it has no importer for this kind of cache, which {self.importer} has")
        if self.image_manifest and version and version < IMAGE_MANIFEST:
            return self._unread(engine, "a cache with image-manifest=true needs BuildKit 0.12 (Docker 25) or later")
        if version and version < CHAINS:
            return replace(self, caches=tuple(cache.without_chains() for cache in self.caches))
        return self

    def _unread(self, engine: Known, why: str) -> FoundCache:
        return replace(self, caches=(), problem=f"{engine.title} imports nothing from it: {why}")


def _has_importer(importer: Importer, engine: Known) -> bool:
    """Whether an engine has it; Docker from 29 on is taken for one with the containerd image store."""
    if importer is Importer.EVERY or engine.docker is None:
        return True
    version = numbers(engine.docker.partition("+")[0].partition("-")[0]) or ()
    return importer is Importer.STORE and (engine.docker.endswith(f"+{CONTAINERD}") or version >= FIRST_BY_DEFAULT)
