"""What a run stores of a cache that a producer exported beside its image."""

from __future__ import annotations

from lab.boxes.base import Box
from lab.errors import LabError
from lab.registry import stored
from lab.results.facts import CacheFacts
from lab.run.builders.caching import INLINE, Caching, cache_name
from lab.run.station import Station


class _BoxFolder:
    """A folder on a box; small files of it are read."""

    def __init__(self, box: Box, name: str) -> None:
        self.box = box
        self.name = name

    def read(self, path: str) -> bytes | None:
        """Return a file; None if the box cannot read it."""
        found = self.box.run(["cat", f"{self.name}/{path}"], timeout=60)
        return found.stdout if found.ok else None

    def size(self, path: str) -> int | None:
        """Return the size of a file in bytes; None if the box cannot read it."""
        found = self.read(path)
        return None if found is None else len(found)


def look(station: Station, kind: str, reference: str) -> CacheFacts | None:
    """Read the cache of the image with that reference; None for an inline cache, which the image itself holds."""
    if kind == INLINE:
        return None
    if kind != "local":
        return stored.of_registry(cache_name(reference), station.registry)
    folder = Caching(kind, station.home.parent / "caches").place(reference)
    try:
        return stored.of_folder(_BoxFolder(station.box, str(folder)))
    except LabError as error:
        return CacheFacts(problem=error.message)
