"""What a trial shows of an axis, and what it does not show."""

from __future__ import annotations

import pytest

from lab.model import Outcome
from lab.results.facts import BuildResult, StepResult
from lab.results.run import Run, Trial, load
from lab.run.vary.answers import contradicts, is_unread
from tests.conftest import ROOT

HIT, RAN, ERROR, UNKNOWN = Outcome.HIT, Outcome.RAN, Outcome.ERROR, Outcome.UNKNOWN
RUN: Run = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr")


def trial(*outcomes: Outcome, predicted: tuple[Outcome, ...] | None = None) -> Trial:
    built = RUN.trials[0].build
    assert built is not None
    steps = tuple(
        StepResult.model_validate({**built.steps[0].model_dump(), "instruction": f"RUN {number}", "outcome": outcome})
        for number, outcome in enumerate(outcomes)
    )
    build: BuildResult | None = built.model_copy(update={"steps": steps, "failed_imports": ()}) if outcomes else None
    return RUN.trials[0].model_copy(update={"build": build, "predicted": predicted})


@pytest.mark.parametrize(
    ("made", "unread"),
    [(trial(HIT, RAN), False), (trial(HIT, UNKNOWN), True), (trial(ERROR), True), (trial(), True)],
)
def test_a_step_without_an_outcome_makes_a_trial_unread(made: Trial, unread: bool) -> None:
    assert is_unread(made) is unread


@pytest.mark.parametrize(
    ("made", "spot", "wanted"),
    [
        (trial(HIT, HIT, predicted=(HIT, HIT)), True, False),
        (trial(HIT, RAN, predicted=(HIT, HIT)), False, True),
        (trial(HIT, HIT, predicted=(HIT, RAN)), False, True),
        (trial(HIT, RAN, predicted=(UNKNOWN, UNKNOWN)), False, False),
        (trial(HIT, RAN, predicted=None), True, True),  # a spot check must do what the control did
        (trial(HIT, UNKNOWN, predicted=None), True, True),
        (trial(HIT, UNKNOWN, predicted=(HIT, HIT)), False, False),  # an unknown outcome contradicts nothing
    ],
)
def test_a_trial_contradicts_its_prediction(made: Trial, spot: bool, wanted: bool) -> None:
    assert contradicts(made, (HIT, HIT), spot=spot) is wanted
