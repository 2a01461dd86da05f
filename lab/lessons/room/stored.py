"""The events of a run that was stored, so that a room without an engine sees it as if it was made now."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lab.lessons.answer import outcomes_of
from lab.model import Begun, Filled, Outcome, Planned, RunEvent
from lab.report.trials import in_order
from lab.results.run import Run
from lab.workers import stopping

PACE = 1.0  # seconds for each trial


def events_of(run: Run) -> Iterator[RunEvent]:
    """The plan of a stored run, then for each trial its begin and its outcomes."""
    trials = in_order(run)
    keys = tuple(trial.key for trial in trials)
    yield Planned(run.name, run.scenario, run.lineup, run.started, tuple(run.instructions), keys)
    for trial in trials:
        yield Begun(trial.key)
        outcomes = tuple(map(Outcome, outcomes_of(trial)))
        yield Filled(trial.key, outcomes, trial.verdict, None, trial.seconds)


def replay(run: Run, take: Callable[[RunEvent], None], pace: float = PACE) -> None:
    """Give the events of a stored run to a listener, one trial in `pace` seconds."""
    for event in events_of(run):
        if isinstance(event, Filled):
            stopping.wait(pace)
        take(event)
