"""Predicted builds: the share of hits, in which an unknown step never counts, and the seconds at stake."""

from __future__ import annotations

from lab.explain.costs import of_builds
from lab.explain.outlook import Outlook, outlook
from lab.explain.why import Diagnosis, diagnose
from lab.model import Outcome
from lab.report.log import misses
from tests.explain.builds import question


def test_a_recorded_build() -> None:
    found = outlook(question("max", "crlf"))
    assert (found.hit_percent, found.best_percent) == (100 * 3 / 9, 100 * 5 / 9)
    assert 8 < found.seconds(Outcome.RAN) < 9.5  # two commands sleep 6 and 2 seconds
    assert 1 < found.seconds(Outcome.UNKNOWN) < 2  # one sleeps 1 second
    assert found.untimed(Outcome.RAN) == 0


def test_an_unknown_step_is_no_hit() -> None:
    found = outlook(question("max", "none", based=False))
    assert found.hit_percent == 0
    assert found.best_percent == 100
    assert found.untimed(Outcome.UNKNOWN) + sum(cost is not None for cost in found.costs) == len(found.steps)


def test_a_build_without_steps_cannot_miss() -> None:
    assert Outlook(Diagnosis(()), ()).hit_percent == 100


def test_its_steps_are_named_as_those_of_a_log() -> None:
    found = outlook(question("max", "crlf")).build()
    assert [step.instruction for step in misses([found], "build 3/6").missed] == ["COPY package.json ./"]
    assert len(misses([found], "stage-1").unknown) == 2
    assert misses([found], "WORKDIR").missed == ()
    assert [step.place for step in misses([found], "RUN sleep [26]*").missed] == ["4/6", "6/6"]
    assert misses([found], "nothing*").looked_at == 0


def test_times_of_an_earlier_prediction_are_none() -> None:
    """A prediction has no seconds, so it is no source of them."""
    asked = question("max", "crlf")
    assert of_builds([Outlook(diagnose(asked), ()).build()], "x") == []
