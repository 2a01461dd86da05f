"""Progress while a context is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.report.project import size_in_words
from lab.run.own_project.sending.kind import Say

EVERY_SECONDS = 1.0


class Counter:
    """Counts the bytes that were sent, and says them once a second."""

    def __init__(self, objects: Sequence[Entry], say: Say, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = size_of(objects)
        self._count = len(objects)
        self._say = say
        self._sent = 0
        self._clock = clock
        self._last = clock()
        say(f"send the context: {self._count:,} objects, {size_in_words(self._total)}")

    def __call__(self, entry: Entry, size: int) -> None:
        """Add the bytes of one object."""
        self._sent += size
        if self._clock() - self._last >= EVERY_SECONDS:
            self._last = self._clock()
            self._say(f"send the context: {size_in_words(self._sent)} of {size_in_words(self._total)}")


def size_of(objects: Sequence[Entry]) -> int:
    """The bytes of all files among these objects; a hard link has none of its own."""
    return sum(entry.size for entry in objects if entry.kind is Kind.FILE and not entry.is_hardlink)
