"""The trials of a run in progress, each with its outcomes, and the time that earlier runs took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lab.cli.terminal import OUTCOME_COLOURS, harmless
from lab.counting import counted
from lab.model import Begun, Filled, Outcome, Planned, RunEvent, TrialKey, Verdict

if TYPE_CHECKING:
    from rich.table import Table

Expect = Callable[[Planned], float | None]  # seconds that such a run takes, None without an earlier run of the kind
PENDING, RUNNING = "", "..."


class Board:
    """What is known of a run while it goes on; `expected` is how long it may take, in seconds."""

    def __init__(self, planned: Planned, expected: float | None) -> None:
        self.planned = planned
        self.expected = expected
        self._begun: set[TrialKey] = set()
        self._filled: dict[TrialKey, Filled] = {}

    def adopt(self, earlier: Board) -> None:
        """Keep the trials of the run's earlier plan that are begun or made."""
        self._begun |= earlier._begun
        self._filled |= {key: event for key, event in earlier._filled.items() if key in self.planned.trials}

    def take(self, event: RunEvent) -> None:
        """Take note of a trial that began or was made."""
        if isinstance(event, Begun):
            self._begun.add(event.key)
        elif isinstance(event, Filled):
            self._filled[event.key] = event

    def head(self, now: datetime) -> str:
        """One line: how many trials are made, time elapsed, time expected."""
        elapsed = (now - self.planned.started).total_seconds()
        made = f"{len(self._filled)} of {counted(len(self.planned.trials), 'trial')}"
        text = f"{self.planned.scenario}  {made}  {clock(elapsed)}"
        return f"{text} of about {clock(self.expected)}" if self.expected is not None else text

    def line(self, event: RunEvent) -> str | None:
        """A line of its own for an event, where there is no terminal; None if it needs none."""
        if isinstance(event, Planned):
            about = f"; about {clock(self.expected)} by earlier runs" if self.expected is not None else ""
            return f"{event.scenario}: {counted(len(event.trials), 'trial')}{about}"
        if isinstance(event, Filled):
            count = f"{len(self._filled)} of {len(self.planned.trials)}"
            words = " ".join(outcome.value for outcome in event.outcomes) or "no outcome"
            return f"{count}  {event.key}: {words}  {event.verdict.value}"
        return None

    def table(self, most: int) -> Table:
        """The trials as a table of at most so many rows, around the first that is not made yet."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for title in ("trial", "variation", *self.planned.steps, "verdict"):
            table.add_column(Text(harmless(title)), overflow="fold")
        keys = self.planned.trials
        first = next((number for number, key in enumerate(keys) if key not in self._filled), len(keys))
        start = max(0, min(first - most // 2, len(keys) - most))
        for key in keys[start : start + most]:
            words = self._words(key)
            ends = [Text(harmless(key.ends)), Text(harmless(key.change))]
            table.add_row(*ends, *(Text(word, OUTCOME_COLOURS.get(word, "")) for word in words))
        left = len(keys) - len(keys[start : start + most])
        if left:
            table.add_row(Text(f"and {left} more"))
        return table

    def _words(self, key: TrialKey) -> list[str]:
        """One word for each step, then the verdict."""
        steps = len(self.planned.steps)
        filled = self._filled.get(key)
        if filled is None:
            return [RUNNING if key in self._begun else PENDING] * steps + [""]
        outcomes = [outcome.value for outcome in filled.outcomes[:steps]]
        lost = Outcome.UNKNOWN.value if filled.verdict is Verdict.BROKEN else PENDING
        return [*outcomes, *[lost] * (steps - len(outcomes)), filled.verdict.value]


def as_json(event: RunEvent, expected: float | None = None) -> dict[str, Any]:
    """An event as JSON values, `event` saying which."""
    if isinstance(event, Planned):
        return {
            "event": "planned",
            "run": event.run,
            "scenario": event.scenario,
            "lineup": event.lineup,
            "started": event.started.astimezone(UTC).isoformat(),
            "steps": list(event.steps),
            "trials": [_key(key) for key in event.trials],
            "expected_seconds": expected,
        }
    if isinstance(event, Begun):
        return {"event": "begun", **_key(event.key)}
    return {
        "event": "trial",
        **_key(event.key),
        "outcomes": [outcome.value for outcome in event.outcomes],
        "verdict": event.verdict.value,
        "context_bytes": event.context_bytes,
        "seconds": event.seconds,
    }


def clock(seconds: float) -> str:
    """Minutes and seconds, as in 2:05."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02}"


def _key(key: TrialKey) -> dict[str, Any]:
    return {"name": str(key), **asdict(key)}
