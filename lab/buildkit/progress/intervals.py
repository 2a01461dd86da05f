"""The times at which one vertex was at work, as BuildKit's own states give them.

A vertex starts and ends once for each thing that is done with it: its key is computed (only if it has no input), its
result is loaded (`cached`), it is executed, and the layers of its result are fetched or merged. The last is told by the
statuses that come meanwhile; its states name no inputs and say nothing on what became of the step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lab.buildkit.progress.durations import Span
from lab.model import Outcome

State = tuple[Outcome, float | None, str]


@dataclass(slots=True)
class Interval:
    """One start of a vertex and its end."""

    started: str
    completed: str = ""
    cached: bool = False
    error: str = ""
    layers: bool = False


@dataclass(slots=True)
class Intervals:
    """All intervals of one vertex, in the order in which they were last heard of."""

    inputs: bool = False
    """Whether the vertex was ever given with inputs."""
    all: list[Interval] = field(default_factory=list)

    def take(self, vertex: dict[str, Any]) -> None:
        """Take one state of the vertex."""
        self.inputs = self.inputs or bool(vertex.get("inputs"))
        started = str(vertex.get("started") or "")
        if not started:
            return
        interval = next((known for known in self.all if known.started == started), None)
        if interval is None:
            interval = Interval(started)
        else:
            self.all.remove(interval)
        self.all.append(interval)
        interval.completed = str(vertex.get("completed") or "")
        interval.cached = vertex.get("cached") is True
        interval.error = str(vertex.get("error") or "")

    def note_layers(self, at: str) -> None:
        """Note that layers were fetched or merged from this time on."""
        time = _time(at)
        before = [interval for interval in self.all if time and (_time(interval.started) or time) <= time]
        if before or self.all:
            interval = max(before, key=lambda one: _time(one.started) or 0) if before else self.all[-1]
            interval.layers = not interval.cached

    @property
    def keyed(self) -> bool:
        """Whether nothing is shown but that the key of a vertex without inputs was computed."""
        return not self.inputs and len(self.all) == 1 and not self.all[0].cached

    def spans(self) -> tuple[Span, ...]:
        """All intervals that have ended and whose times can be read, in the order of their ends."""
        times = [(_time(interval.started), _time(interval.completed)) for interval in self.all]
        found = [(began, ended) for began, ended in times if began is not None and ended is not None]
        return tuple(Span(round(end - start, 6), start, end) for start, end in sorted(found, key=lambda one: one[1]))

    def state(self) -> State:
        """The outcome of the vertex, the last interval that it is of in seconds, and its error."""
        last = self.all[-1]
        if not last.completed or last.error.endswith("context canceled"):
            return Outcome.UNKNOWN, _seconds(last) if last.completed else None, last.error
        if last.error:
            return Outcome.ERROR, _seconds(last), last.error
        real = [interval for interval in self.all if not interval.layers]
        if real and not real[-1].cached:
            return Outcome.RAN, _seconds(real[-1]), ""
        return Outcome.HIT, _seconds(last), ""


def _seconds(interval: Interval) -> float | None:
    seconds = seconds_between(interval.started, interval.completed)
    return None if seconds is None else round(seconds, 3)


def _time(text: str) -> float | None:
    """The seconds since 1970, to the microsecond."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def seconds_between(began: str, ended: str) -> float | None:
    """The seconds between two times of BuildKit; None where one of them cannot be read."""
    start, end = _time(began), _time(ended)
    return None if start is None or end is None else end - start
