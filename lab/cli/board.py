"""The trials of a run that goes on, cell by cell, and how long it takes beside earlier runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lab.model import Begun, Cell, Filled, Outcome, Planned, RunEvent, Verdict

if TYPE_CHECKING:
    from rich.table import Table

Expect = Callable[[Planned], float | None]  # seconds such a run takes, None where no earlier run tells
PENDING, RUNNING = "", "..."
STYLES = {"hit": "green", "ran": "red", "error": "red", "unknown": "yellow", "busted": "red", "broken": "red"}


class Board:
    """What is known of a run while it goes on; `expected` is how long it may take, in seconds."""

    def __init__(self, planned: Planned, expected: float | None) -> None:
        self.planned = planned
        self.expected = expected
        self._begun: set[Cell] = set()
        self._filled: dict[Cell, Filled] = {}

    def take(self, event: RunEvent) -> None:
        """Take note of a trial that began or was made."""
        if isinstance(event, Begun):
            self._begun.add(event.cell)
        elif isinstance(event, Filled):
            self._filled[event.cell] = event

    def head(self, now: datetime) -> str:
        """One line: how many trials are made, time elapsed, time expected."""
        elapsed = (now - self.planned.started).total_seconds()
        text = f"{self.planned.scenario}  {len(self._filled)} of {len(self.planned.cells)} trials  {clock(elapsed)}"
        return f"{text} of about {clock(self.expected)}" if self.expected is not None else text

    def line(self, event: RunEvent) -> str | None:
        """A line of its own for an event, where there is no terminal; None if it needs none."""
        if isinstance(event, Planned):
            about = f"; about {clock(self.expected)} by earlier runs" if self.expected is not None else ""
            return f"{event.scenario}: {len(event.cells)} trials{about}"
        if isinstance(event, Filled):
            count = f"{len(self._filled)} of {len(self.planned.cells)}"
            words = " ".join(outcome.value for outcome in event.outcomes) or "no outcome"
            return f"{count}  {_trial(event.cell)}  {event.cell.variation}: {words}  {event.verdict.value}"
        return None

    def table(self, most: int) -> Table:
        """The cells as a table of at most so many rows, those around the first that is not made yet."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for title in ("trial", "variation", *self.planned.steps, "verdict"):
            table.add_column(Text(title), overflow="fold")
        cells = self.planned.cells
        first = next((number for number, cell in enumerate(cells) if cell not in self._filled), len(cells))
        start = max(0, min(first - most // 2, len(cells) - most))
        for cell in cells[start : start + most]:
            words = self._words(cell)
            table.add_row(
                Text(_trial(cell)), Text(cell.variation), *(Text(word, STYLES.get(word, "")) for word in words)
            )
        left = len(cells) - len(cells[start : start + most])
        if left:
            table.add_row(Text(f"and {left} more"))
        return table

    def _words(self, cell: Cell) -> list[str]:
        """One word a step and the verdict."""
        steps = len(self.planned.steps)
        filled = self._filled.get(cell)
        if filled is None:
            return [RUNNING if cell in self._begun else PENDING] * steps + [""]
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
            "trials": [_cell(cell) for cell in event.cells],
            "expected_seconds": expected,
        }
    if isinstance(event, Begun):
        return {"event": "begun", **_cell(event.cell)}
    return {
        "event": "trial",
        **_cell(event.cell),
        "outcomes": [outcome.value for outcome in event.outcomes],
        "verdict": event.verdict.value,
        "context_bytes": event.context_bytes,
        "seconds": event.seconds,
    }


def clock(seconds: float) -> str:
    """Minutes and seconds, as in 2:05."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02}"


def _trial(cell: Cell) -> str:
    engine = cell.engine if cell.producer_engine == cell.engine else f"{cell.producer_engine}>{cell.engine}"
    return f"{cell.producer} > {cell.consumer}  {engine}"


def _cell(cell: Cell) -> dict[str, str]:
    return {
        "producer": cell.producer,
        "producer_engine": cell.producer_engine,
        "consumer": cell.consumer,
        "engine": cell.engine,
        "variation": cell.variation,
    }
