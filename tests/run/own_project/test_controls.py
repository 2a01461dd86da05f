"""What a run expects of a trial of an own project: what the producer's rebuild of its own image did."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from lab.buildkit.rulebook import Rulebook
from lab.model import CONTROL, Outcome, TrialKey
from lab.results.facts import ProjectFacts
from lab.results.run import Run
from lab.run.agenda import Agenda
from lab.run.course import ONCE
from lab.run.expectations import facts_of
from lab.run.own_project.project import read_project
from lab.run.own_project.request import Request
from lab.run.own_project.scenario import scenario_of
from tests.conftest import ROOT
from tests.reporting import HIT, RAN, facts, run, trial

PROJECT = ProjectFacts(folder="/p", dockerfile="/p/Dockerfile", objects=1, bytes=1, way="exact", sent="exact")


def planned(tmp_path: Path, made: Run) -> tuple[Outcome, ...]:
    """What is expected where b rebuilds what a pushed."""
    (tmp_path / "Dockerfile").write_text("FROM alpine\nRUN echo foo\nCOPY bar bar\nRUN echo baz\n")
    scenario = scenario_of(read_project(Request(tmp_path)), "scratch")
    recorder = cast(Any, SimpleNamespace(run=made))
    agenda = Agenda(scenario, recorder, ONCE, ["a", "b"], thorough=False, consumer_engines=(), producer_engines=())
    agenda.vary([None])
    key = TrialKey("a", "19.03.8", "b", "19.03.8", made.scenario, CONTROL)
    return agenda.expectation(key, facts_of(Rulebook(ROOT / "boxes"), facts("b"), facts("a"))).outcomes


def test_a_consumer_is_expected_to_do_what_the_control_did(tmp_path: Path) -> None:
    assert planned(tmp_path, run(trial("a", "a", (HIT, HIT, RAN)), project=PROJECT)) == (HIT, HIT, RAN)


def test_without_a_control_every_step_is_expected_to_hit(tmp_path: Path) -> None:
    others = (trial("b", "b", (RAN, RAN, RAN)), trial("a", "a", (RAN, RAN, RAN), variation="mode"))
    assert planned(tmp_path, run(*others, project=PROJECT)) == (HIT, HIT, HIT)
    assert planned(tmp_path, run(trial("a", "a", None), project=PROJECT)) == (HIT, HIT, HIT)
