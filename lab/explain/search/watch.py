"""The time of a search, the number of its candidates, and what was tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from lab.buildkit.contenthash.entry import Chunk, Entry

LOOK_EVERY = 64  # candidates between two checks of the time
LARGE = 8 << 20  # bytes of a file from which on its reading checks the time
PROGRESS_EVERY = 0.25  # seconds between two calls of `progress`


@dataclass(frozen=True, slots=True)
class Looking:
    """The progress of a search: the current stage, the number of candidates tried, and the seconds so far."""

    stage: str
    tried: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Tried:
    """One rule or stage, and the number of its candidates; a combination counts for each of its rules."""

    name: str
    count: int


class TimeIsUp(Exception):
    """Ends a search from any call depth; it is not an error."""


class Watch:
    """Counts candidates, checks the time at intervals, and reports the progress."""

    def __init__(self, limit: float, progress: Callable[[Looking], None] | None, clock: Callable[[], float]) -> None:
        self.stage = "reading the files"
        self.tried = 0
        self._names: Counter[str] = Counter()
        self._limit = limit
        self._progress = progress
        self._clock = clock
        self._started = clock()
        self._reported = 0.0

    @property
    def seconds(self) -> float:
        """The seconds since the search began."""
        return self._clock() - self._started

    @property
    def names(self) -> tuple[Tried, ...]:
        """What was tried, in the order in which it was tried first."""
        return tuple(Tried(name, count) for name, count in self._names.items())

    def count(self, names: Iterable[str]) -> None:
        """Count one more candidate, for each of the rules or stages that it is made of."""
        self.tried += 1
        for name in names:
            self._names[name] += 1
        if self.tried % LOOK_EVERY == 0:
            self.look()

    def look(self) -> None:
        """Raise TimeIsUp after the limit; otherwise report the progress if PROGRESS_EVERY seconds have passed."""
        seconds = self.seconds
        if seconds > self._limit:
            raise TimeIsUp
        if self._progress and seconds - self._reported >= PROGRESS_EVERY:
            self._reported = seconds
            self._progress(Looking(self.stage, self.tried, seconds))

    def over(self, entry: Entry) -> Entry:
        """Return the object with a content whose reading stops at the limit, because a large file may take long."""
        content = entry.content
        if not callable(content) or entry.size < LARGE:
            return entry
        return replace(entry, content=partial(self._read, content))

    def _read(self, content: Callable[[], Iterable[Chunk]]) -> Iterator[Chunk]:
        for chunk in content():
            self.look()
            yield chunk
