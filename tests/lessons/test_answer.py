"""The right choice follows from the run: no file states it."""

from __future__ import annotations

from typing import Any

import pytest

from lab.errors import ReadError
from lab.lessons.answer import right_choice, shows
from lab.lessons.lesson_file import Choice, Fact, Prediction
from lab.model import Outcome
from lab.results.run import Run, load
from tests.conftest import ROOT

SAMPLE = ROOT / "results" / "sample"


@pytest.fixture(scope="module")
def run() -> Run:
    return load(SAMPLE)


def choice(name: str, *facts: Fact) -> Choice:
    return Choice(name=name, text=name, when=facts)


def question(*choices: Choice) -> Prediction:
    return Prediction(question="?", choices=choices)


def test_the_choice_that_the_run_shows_is_right(run: Run) -> None:
    trial = run.trials[0]
    assert trial.build
    seen = trial.build.steps[0].outcome
    other = Outcome.RAN if seen is Outcome.HIT else Outcome.HIT
    where: dict[str, Any] = {"variation": trial.variation, "engine": trial.engine, "step": 1}
    first, second = choice("first", Fact(**where, outcome=other)), choice("second", Fact(**where, outcome=seen))
    assert right_choice(question(first, second), run).name == "second"
    with pytest.raises(ReadError, match="no choice"):
        right_choice(question(first, first), run)
    with pytest.raises(ReadError, match="second, second"):
        right_choice(question(second, second), run)


def test_a_fact_about_what_the_run_has_not_made_is_not_shown(run: Run) -> None:
    trial = run.trials[0]
    assert not shows(run, Fact(variation="unknown", step=1, outcome=Outcome.HIT))
    for outcome in Outcome:
        assert not shows(run, Fact(variation=trial.variation, step=99, outcome=outcome))
        assert not shows(run, Fact(variation=trial.variation, step=1, outcome=outcome, engine="other"))
        assert not shows(run, Fact(variation=trial.variation, step=1, outcome=outcome, round=9))


def test_a_broken_trial_shows_nothing(run: Run) -> None:
    broken = run.model_copy(update={"trials": tuple(trial.model_copy(update={"build": None}) for trial in run.trials)})
    fact = Fact(variation=run.trials[0].variation, step=1, outcome=Outcome.HIT)
    assert not shows(broken, fact)
