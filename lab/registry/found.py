"""What a cache source holds: the decoded caches, and the image where the source is one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lab.buildkit.cachekeys.cache import Cache
from lab.results.facts import ImageFacts
from lab.versions import meets, numbers

IMAGE_MANIFEST = ">=25"  # the Docker versions whose BuildKit (0.12 on) reads a cache config in an image manifest


@dataclass(frozen=True)
class FoundCache:
    """One `--cache-from` as it was read: its kind in words, its name, the caches that BuildKit imports, the image.

    `caches` has one `Cache` for each export: an image has one, an image index one for each platform that has a cache
    (the platform asked for is first). `image` is None for a source that holds a cache but no image. `problem` is a
    sentence that says why BuildKit imports nothing from this source; `caches` is then empty. `digest` is that of the
    manifest or index, or empty for a source that has none. `image_manifest` is true for a cache that was exported with
    image-manifest=true; `seen_by` says what an older Docker reads of it.
    """

    kind: str
    name: str
    caches: tuple[Cache, ...] = ()
    image: ImageFacts | None = None
    problem: str = ""
    digest: str = ""
    image_manifest: bool = False

    @property
    def count(self) -> int:
        """The number of records in all caches."""
        return sum(len(cache.records) for cache in self.caches)

    def seen_by(self, docker: str) -> FoundCache:
        """Return the source as a version of Docker reads it, such as 20.10.24 or 20.10.24-unfixed.

        BuildKit before 0.12 takes an image manifest for an image, finds no inline cache in it, and goes on silently
        (seen with 20.10.24). A text that does not begin with a version changes nothing.
        """
        version = docker.partition("-")[0]
        if not self.image_manifest or not self.caches or numbers(version) is None or meets(version, IMAGE_MANIFEST):
            return self
        problem = f"Docker {docker} imports nothing from it: a cache with image-manifest=true needs Docker 25 or later"
        return replace(self, caches=(), problem=problem)
