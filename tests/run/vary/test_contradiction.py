"""An engine that does not do what lab's model predicts: what the verdict says then, and what it does not say.

The stand-in engine is another one than the model knows: `timely` takes the times of files into its key, `careless` does
not take modes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.cli.vary import ending
from lab.errors import CONTRADICTED
from lab.explain.upstream import Upstream
from lab.model import Outcome
from lab.report.vary import verdict_lines
from lab.results.run import Run
from lab.results.varied import State, VaryFacts
from lab.run.vary.experiment import Experiment
from lab.run.vary.request import Request
from lab.run.vary.table import chosen
from tests.conftest import ROOT
from tests.run.vary.standing import Predicting, standing

pytestmark = pytest.mark.slow

HIT, RAN = Outcome.HIT, Outcome.RAN
NO_KEY = ("owner", "mtime", "docker-config", "git", "hard-links", "context-path")  # by the model


@dataclass(frozen=True)
class Made:
    """A run, its facts and its verdict."""

    run: Run
    facts: VaryFacts
    verdict: str

    def line(self, start: str) -> str:
        """The line of the verdict that begins so; an empty text without one."""
        return next((text for text in self.verdict.splitlines() if text.strip().startswith(start)), "")


def made(folder: Path, *axes: str, sign: str | None = None, seed: int = 0) -> Made:
    with standing(folder, kind=Predicting) as bench:
        if sign:
            (folder / "state" / sign).touch()
        request = Request("local", axes=chosen(axes), remedies=False, seed=seed)
        Experiment(request, bench, Upstream(ROOT / "boxes"), {}).make()
    assert bench.run.vary is not None
    return Made(bench.run, bench.run.vary, "\n".join(verdict_lines(bench.run)))


def test_an_engine_that_obeys_the_model_contradicts_nothing(tmp_path: Path) -> None:
    found = made(tmp_path, *NO_KEY, "umask-0077")
    assert not found.facts.contradicted and "CONTRADICTED" not in found.verdict
    states = [axis.state for axis in found.facts.axes if axis.name in NO_KEY]
    assert (states.count(State.RAN), states.count(State.PREDICTED)) == (3, len(NO_KEY) - 3)
    assert "umask-0077" in found.line("- umask-0077:") and "umask-0077" not in found.line("These miss nothing")


def test_a_spot_check_that_misses_makes_every_axis_be_built(tmp_path: Path) -> None:
    found = made(tmp_path, *NO_KEY, sign="timely", seed=seed_with("mtime"))
    assert found.facts.contradicted == ("mtime",)
    assert {axis.state for axis in found.facts.axes} == {State.RAN}
    assert found.verdict.startswith("CONTRADICTED: the engine did not do what lab's model predicts under mtime.")
    assert "All other axes were therefore built too." in found.verdict
    assert "change no key by lab's model" not in found.verdict
    assert "mtime" not in found.line("These miss nothing, as the engine showed:")
    assert ending(found.run) == CONTRADICTED


def test_no_cause_is_named_for_a_miss_that_the_model_does_not_have(tmp_path: Path) -> None:
    found = made(tmp_path, "mtime", sign="timely")
    [axis] = found.facts.axes
    assert axis.outcomes == (HIT, RAN) and axis.step == "COPY src /src"
    assert axis.cause == "it is not known: lab's model predicts that the engine hits"


def test_an_axis_that_hits_against_its_prediction_is_no_miss(tmp_path: Path) -> None:
    found = made(tmp_path, "umask-0077", "mtime", sign="careless")
    [umask, mtime] = sorted(found.facts.axes, key=lambda axis: axis.name, reverse=True)
    assert (umask.outcomes, umask.step, umask.cause) == ((HIT, HIT), None, None)
    assert mtime.outcomes == (HIT, HIT)
    assert found.facts.contradicted == ("umask-0077",)
    assert "No difference that was tried misses this Dockerfile." in found.verdict
    assert "umask-0077" in found.line("These miss nothing, as the engine showed:")
    assert "These differences between two machines miss" not in found.verdict
    assert ending(found.run) == CONTRADICTED


def seed_with(name: str) -> int:
    """A seed that chooses this axis for a spot check, in the way in which the experiment chooses."""
    names = [axis.name for axis in chosen(NO_KEY)]
    return next(seed for seed in range(1000) if name in random.Random(seed).sample(names, 3))
