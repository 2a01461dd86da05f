"""What a trial shows of an axis, and what it does not show."""

from __future__ import annotations

import pytest

from lab.explain.explanation import Explanation, Role, StepCause
from lab.model import Outcome
from lab.results.facts import BuildResult, StepResult
from lab.results.run import Run, Trial, load
from lab.run.vary.answers import contradicts, is_unread, main_of
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


def explained(*roles: Role, main: int | None = None) -> Explanation:
    return Explanation("t", tuple(StepCause(f"RUN {at}", role, "") for at, role in enumerate(roles)), main)


@pytest.mark.parametrize(
    ("found", "missed", "wanted"),
    [
        (explained(Role.NOT_HELD, Role.CAUSE, main=1), [0, 1], 1),  # a layer that is missing is no cause
        (explained(Role.CAUSE, Role.CAUSE, Role.CONSEQUENCE, main=1), [0, 1, 2], 1),  # most steps follow it
        (explained(Role.CAUSE, Role.HIT, Role.CAUSE, main=0), [2], 2),  # the first one ran without the change too
        (explained(Role.HIT, Role.UNKNOWN, Role.CONSEQUENCE), [1, 2], 1),
        (explained(Role.NOT_HELD), [0], 0),
    ],
)
def test_the_step_of_an_axis_is_the_one_that_explain_names(found: Explanation, missed: list[int], wanted: int) -> None:
    assert main_of(found, missed) == wanted
