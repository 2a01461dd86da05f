"""A stored run as events: a room sees it as it would see a run that is made."""

from __future__ import annotations

from lab.lessons.room.live import LiveTable
from lab.lessons.room.stored import events_of, replay
from lab.model import Begun, Filled, Planned, RunEvent
from lab.results import run as runs
from tests.conftest import ROOT


def test_the_events_of_a_stored_run_fill_the_table_with_its_outcomes() -> None:
    run = runs.load(ROOT / "results" / "sample")
    heard: list[RunEvent] = []
    replay(run, heard.append, pace=0)
    assert [type(event) for event in heard] == [Planned, *[Begun, Filled] * len(run.trials)]
    table = LiveTable()
    for event in heard:
        table.take(event)
    values = table.values()
    assert values is not None
    assert values["made"] == len(values["rows"]) == len(run.trials)
    made = {trial.name: [step.outcome.value for step in trial.build.steps] for trial in run.trials if trial.build}
    keys = [event.key for event in events_of(run) if isinstance(event, Filled)]
    for key, row in zip(keys, values["rows"], strict=True):
        assert row["variation"] == key.variation
        assert row["outcomes"] == made[str(key)]
