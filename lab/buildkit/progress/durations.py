"""How long each vertex of a build was at work, as its output states it: steps, and BuildKit's internal work as well.

The plain and the terminal form print durations alone. Only rawjson states when a vertex started and ended.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

# A layer that is fetched or unpacked, with its own time: `pulling sha256:0f40... 0.9s done`,
# `extracting sha256:... 0.1s`, `sha256:9addb4... 29B / 29B 0.2s done`.
_LAYER = re.compile(
    r"(?:(?:pulling|extracting) )?sha256:[0-9a-f]{2,64} (?:\S+ / \S+ )?(\d{1,9}(?:\.\d{1,9})?)s(?: done)?$"
)
MOST_SPANS = 64


@dataclass(frozen=True, slots=True)
class Span:
    """One time at which a vertex was at work, in seconds; `started` and `ended` count from 1970 and may be unknown."""

    seconds: float
    started: float | None = None
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class VertexTimes:
    """All times of one vertex, in the order in which they ended.

    `name` is the text under which the builder first prints the vertex. `layers` are the seconds of the longest layer
    that a registry sent for it; layers are fetched at once, also after the vertex ended as CACHED.
    """

    name: str
    spans: tuple[Span, ...] = ()
    layers: float = 0.0

    @property
    def seconds(self) -> float:
        """The time in which the vertex was at work.

        Where the start of each span is known, this is the time that they cover. Else it is the longest one, because the
        plain form prints the sum of all spans so far (or the last span alone, in old versions).
        """
        if any(span.started is None or span.ended is None for span in self.spans):
            return max((span.seconds for span in self.spans), default=0.0)
        return covered((span.started or 0.0, span.ended or 0.0) for span in self.spans)


@dataclass(slots=True)
class _Seen:
    name: str
    spans: list[Span] = field(default_factory=list)
    layers: float = 0.0


class Durations:
    """The times of the vertexes of one build, by whatever key its form gives them."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, _Seen] = {}

    def meet(self, key: Hashable, name: str) -> None:
        """Take the first text that is printed for a vertex as its name."""
        if key not in self._seen:
            self._seen[key] = _Seen(name)

    def end(self, key: Hashable, seconds: float | None) -> None:
        """Note that a vertex ended; ignored where the output states no time."""
        if seconds is None or key not in self._seen:
            return
        spans = self._seen[key].spans
        if len(spans) < MOST_SPANS:
            spans.append(Span(seconds))
        elif seconds > spans[-1].seconds:
            spans[-1] = Span(seconds)

    def status(self, key: Hashable, text: str) -> None:
        """Take a line of a vertex that is neither its end nor output of its program."""
        self.meet(key, text)
        if found := _LAYER.match(text):
            self.layer(key, float(found[1]))

    def layer(self, key: Hashable, seconds: float) -> None:
        """Note how long a layer of a vertex took so far."""
        if seen := self._seen.get(key):
            seen.layers = max(seen.layers, seconds)

    def all(self) -> tuple[VertexTimes, ...]:
        """The times of every vertex, in the order in which they were first printed."""
        return tuple(VertexTimes(seen.name, tuple(seen.spans), seen.layers) for seen in self._seen.values())


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """The seconds that at least one of the spans covers; each is its start and its end."""
    whole, until = 0.0, float("-inf")
    for start, end in sorted(spans):
        whole += max(0.0, end - max(start, until))
        until = max(until, end)
    return whole
