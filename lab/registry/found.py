"""What a cache source holds: the decoded caches, and the image where the source is one."""

from __future__ import annotations

from dataclasses import dataclass

from lab.buildkit.cachekeys.cache import Cache
from lab.results.run import ImageFacts


@dataclass(frozen=True)
class FoundCache:
    """One `--cache-from` as it was read: its kind in words, its name, the caches that BuildKit imports, the image.

    `caches` has one `Cache` for each export: an image has one, an image index one for each platform that has a cache
    (the platform asked for is first). `image` is None for a source that holds a cache but no image. `problem` is a
    sentence that says why BuildKit imports nothing from this source; `caches` is then empty. `digest` is that of the
    manifest or index, or empty for a source that has none.
    """

    kind: str
    name: str
    caches: tuple[Cache, ...] = ()
    image: ImageFacts | None = None
    problem: str = ""
    digest: str = ""

    @property
    def count(self) -> int:
        """The number of records in all caches."""
        return sum(len(cache.records) for cache in self.caches)
