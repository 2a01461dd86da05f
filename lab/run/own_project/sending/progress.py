"""Progress while a context is sent."""

from __future__ import annotations

import time
from collections.abc import Sequence

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.run.own_project.sending.kind import Say

EVERY_SECONDS = 1.0


class Counter:
    """Counts the bytes that were sent, and says them once a second."""

    def __init__(self, objects: Sequence[Entry], say: Say) -> None:
        self._total = size_of(objects)
        self._count = len(objects)
        self._say = say
        self._sent = 0
        self._last = time.monotonic()
        say(f"send the context: {self._count:,} objects, {in_words(self._total)}")

    def __call__(self, entry: Entry, size: int) -> None:
        """Add the bytes of one object."""
        self._sent += size
        if time.monotonic() - self._last >= EVERY_SECONDS:
            self._last = time.monotonic()
            self._say(f"send the context: {in_words(self._sent)} of {in_words(self._total)}")


def size_of(objects: Sequence[Entry]) -> int:
    """The bytes of all files among these objects; a hard link has none of its own."""
    return sum(entry.size for entry in objects if entry.kind is Kind.FILE and not entry.is_hardlink)


def in_words(size: int) -> str:
    """A number of bytes for people: 12 kB, 210 MB."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}" if size < 10 * factor else f"{size // factor:,} {unit}"
    return f"{size} B"
