"""Two sides on an engine that does not do what the model predicts: the difference is bisected by real rebuilds.

The stand-in engine takes the mode of the file d, which no COPY takes, if it is `greedy`, and no modes if it is
`careless`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.buildkit.contenthash.entry import Entry
from lab.explain.upstream import Upstream
from lab.model import Begun, Outcome, Planned, RunEvent, TrialKey
from lab.report.vary import verdict_lines
from lab.results.varied import BetweenFacts, VaryFacts
from lab.run.own_project import request as own
from lab.run.own_project.project import OwnProject, read_project
from lab.run.recorder import Watch, unwatched
from lab.run.vary.between.searching import EVERY, Sides
from lab.run.vary.experiment import Experiment
from lab.run.vary.request import Request
from tests.conftest import ROOT
from tests.run.vary.standing import Predicting, standing

pytestmark = pytest.mark.slow

HIT, RAN = Outcome.HIT, Outcome.RAN
MORE = {name: f"{name}\n" for name in ("src/b", "src/c", "a", "b", "c", "d")}


def compared(
    folder: Path, second: dict[str, dict[str, object]], sign: str | None = None, watch: Watch = unwatched
) -> tuple[VaryFacts, str]:
    """A run between the project and a second side in which these objects have other fields."""
    with standing(folder, more=MORE, kind=Predicting) as bench:
        if sign:
            (folder / "state" / sign).touch()
        project = read_project(own.Request(folder / "app"))
        sides = Sides(("here", "there"), project.objects, altered(project, second))
        request = Request("local", project=project, remedies=False, sides=sides)
        Experiment(request, bench, Upstream(ROOT / "boxes"), {}, watch).make()
    assert bench.run.vary is not None
    return bench.run.vary, "\n".join(verdict_lines(bench.run))


def altered(project: OwnProject, fields: dict[str, dict[str, object]]) -> list[Entry]:
    return [replace(entry, **fields.get(entry.path, {})) for entry in project.objects]  # type: ignore[arg-type]


def between(found: VaryFacts) -> BetweenFacts:
    assert found.between is not None
    return found.between


def test_a_prediction_that_holds_needs_no_rebuild_of_halves(tmp_path: Path) -> None:
    found, verdict = compared(tmp_path, {"src/b": {"mode": 0o600}, "src/c": {"mode": 0o600}})
    assert not found.contradicted and between(found).rebuilds == 0
    assert "the engine misses with it" in verdict and "CONTRADICTED" not in verdict


def test_a_miss_that_the_model_does_not_predict_is_bisected_on_the_engine(tmp_path: Path) -> None:
    found, verdict = compared(tmp_path, {name: {"mode": 0o600} for name in "abcd"}, sign="greedy")
    assert found.contradicted == (EVERY,)
    [cause] = between(found).causes
    [piece] = cause.pieces
    assert cause.axis == "engine-cause-1" and piece.startswith("mode of d: ")
    axes = {axis.name: axis for axis in found.axes}
    assert axes["engine-cause-1"].outcomes == (HIT, RAN) and axes[EVERY].outcomes == (HIT, RAN)
    assert 0 < between(found).rebuilds <= 6
    assert f"bisected on the engine, with {between(found).rebuilds} rebuilds" in verdict
    assert f"engine-cause-1: {piece} (3 other differences are of the same sort); the engine misses with it" in verdict
    assert "none of these differences changes a key" not in verdict


def test_every_rebuild_of_the_bisection_is_planned_before_it_begins(tmp_path: Path) -> None:
    events: list[RunEvent] = []
    compared(tmp_path, {name: {"mode": 0o600} for name in "abcd"}, sign="greedy", watch=events.append)
    planned: set[TrialKey] = set()
    begun: list[TrialKey] = []
    for event in events:
        if isinstance(event, Planned):
            planned = set(event.trials)
        if isinstance(event, Begun):
            assert event.key in planned
            begun.append(event.key)
    assert planned == set(begun) and any(key.variation.startswith("bisect-") for key in begun)


def test_a_cause_that_the_engine_does_not_confirm_is_called_none(tmp_path: Path) -> None:
    found, verdict = compared(tmp_path, {"src/b": {"mode": 0o600}}, sign="careless")
    assert found.contradicted == ("all-differences", "cause-1") and between(found).rebuilds == 0
    [piece] = between(found).causes[0].pieces
    assert f"cause-1: {piece}; the engine hits with it, so it is no cause" in verdict
    assert "the engine misses with it" not in verdict
    assert "These differences between two machines miss this Dockerfile:" not in verdict


def test_a_run_that_proves_nothing_bisects_nothing(tmp_path: Path) -> None:
    found, verdict = compared(tmp_path, {"src/b": {"mode": 0o600}}, sign="blind")
    assert found.problem and between(found).rebuilds == 0
    assert "this is not proven" in verdict and "the engine misses with it" not in verdict
    assert "the engine hits with it" not in verdict
