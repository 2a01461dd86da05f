"""The table of a run as values: plans, rows, and the words of trials that lost outcomes."""

from __future__ import annotations

from lab.lessons.room.live import LiveTable
from lab.model import Begun, Filled, Outcome, TrialKey, Verdict
from tests.lessons.room.conftest import STEPS, key, planned


def test_there_is_no_table_before_the_plan() -> None:
    table = LiveTable()
    assert table.values() is None


def test_rows_are_pending_then_running_then_made() -> None:
    table = LiveTable()
    keys = key("none"), key("comment"), key("last-run")
    table.take(planned(*keys))
    table.take(Filled(keys[0], (Outcome.HIT, Outcome.HIT, Outcome.RAN), Verdict.MISSED, None, 1.0))
    table.take(Begun(keys[1]))
    values = table.values()
    assert values is not None
    assert values["steps"] == list(STEPS)
    assert values["made"] == 1
    assert [row["state"] for row in values["rows"]] == ["made", "running", "pending"]
    assert values["rows"][0] == {
        "variation": "none",
        "engines": "",
        "state": "made",
        "outcomes": ["hit", "hit", "ran"],
    }


def test_a_broken_trial_has_unknown_steps_never_hits() -> None:
    table = LiveTable()
    table.take(planned(key("none")))
    table.take(Filled(key("none"), (Outcome.HIT,), Verdict.BROKEN, None, None))
    values = table.values()
    assert values is not None
    assert values["rows"][0]["state"] == "broken"
    assert values["rows"][0]["outcomes"] == ["hit", "unknown", "unknown"]


def test_a_new_plan_of_the_run_keeps_trials_and_one_of_another_run_does_not() -> None:
    table = LiveTable()
    table.take(planned(key("none")))
    table.take(Filled(key("none"), (Outcome.HIT,) * 3, Verdict.AS_EXPECTED, None, 1.0))
    table.take(planned(key("none"), key("comment")))
    values = table.values()
    assert values is not None
    assert (values["made"], len(values["rows"])) == (1, 2)
    table.take(planned(key("none"), run="r2"))
    values = table.values()
    assert values is not None
    assert values["made"] == 0


def test_several_engines_and_several_boxes_are_named() -> None:
    table = LiveTable()
    table.take(planned(key("none"), key("none", "20.10.24", "26.1.5")))
    values = table.values()
    assert values is not None
    assert [row["engines"] for row in values["rows"]] == ["26.1.5", "20.10.24 > 26.1.5"]
    other = TrialKey("centos7", "26.1.5", "local", "26.1.5", "layer-key", "none")
    table.take(planned(key("none"), other, run="r2"))
    values = table.values()
    assert values is not None
    assert [row["engines"] for row in values["rows"]] == ["local>local:26.1.5", "centos7>local:26.1.5"]
