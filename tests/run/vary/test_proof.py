"""When a run proves nothing."""

from __future__ import annotations

import pytest

from lab.model import Outcome, Verdict
from lab.results.facts import BuildResult, StepResult
from lab.results.run import Trial
from lab.run.vary.proof import in_short, misses, problem

HIT, RAN, UNKNOWN = Outcome.HIT, Outcome.RAN, Outcome.UNKNOWN
STEPS = ("RUN one", "COPY a /a")


def trial(*outcomes: Outcome, predicted: tuple[Outcome, ...] = (HIT, HIT), why: str | None = None) -> Trial:
    steps = tuple(StepResult(instruction=text, outcome=item) for text, item in zip(STEPS, outcomes, strict=False))
    return Trial(
        name="a>a:1/s:none",
        producer="a",
        consumer="a",
        engine="1",
        variation="none",
        verdict=Verdict.AS_EXPECTED,
        build=BuildResult(steps=steps) if outcomes else None,
        predicted=predicted,
        problem=why,
    )


@pytest.mark.parametrize(
    ("control", "deliberate", "reason"),
    [
        (trial(HIT, HIT), trial(HIT, RAN), None),
        (trial(HIT, RAN, predicted=(HIT, RAN)), trial(RAN, RAN), None),  # the cache holds no layer of that step
        (None, None, "the rebuild without a change was not made"),
        (trial(why="no space\nleft"), None, "the rebuild without a change was not made: no space: left"),
        (trial(HIT, UNKNOWN), trial(HIT, RAN), "the rebuild without a change has a step whose outcome is not known"),
        (trial(RAN, RAN), trial(RAN, RAN), "the rebuild without a change missed every step"),
        (trial(HIT, RAN), trial(HIT, RAN), "the rebuild without a change missed at COPY a /a"),
        (
            trial(HIT, RAN, predicted=(HIT, UNKNOWN)),
            trial(HIT, RAN),
            "the rebuild without a change missed at COPY a /a",
        ),
        (trial(HIT, HIT), None, "the change that must miss was not built: a byte"),
        (trial(HIT, HIT), trial(HIT, HIT), "the change that must miss hit: a byte"),
    ],
)
def test_both_must_do_as_they_must(control: Trial | None, deliberate: Trial | None, reason: str | None) -> None:
    assert problem(control, deliberate, "a byte", STEPS) == reason


def test_a_problem_in_one_line() -> None:
    text = "cannot build on local: exit status 1: `docker build .`\n > step\nit needs BuildKit\nhint: do x"
    assert in_short(text) == "cannot build on local: exit status 1: it needs BuildKit"


def test_a_step_that_ran_before_is_no_miss() -> None:
    assert not misses(trial(HIT, RAN), (HIT, RAN))
    assert misses(trial(HIT, RAN), (HIT, HIT))
