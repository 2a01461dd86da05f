"""What is counted of a run, and the summary as JSON."""

from __future__ import annotations

import json

from lab.model import Verdict
from lab.results.summary import StepCount, Summary, step_counts, summary_of
from tests import reporting
from tests.reporting import HIT, RAN, STEPS, UNKNOWN, facts, trial


def test_each_outcome_of_a_step_is_counted_by_engine_box_and_builder() -> None:
    trials = (
        trial("a", "b", (HIT, RAN, UNKNOWN)),
        trial("b", "b", (HIT, HIT)),  # the build was cut, so the last outcome is not known
        trial("a", "a", (HIT, HIT, HIT), Verdict.BROKEN),
        trial("b", "a", None, Verdict.BROKEN),
    )
    run = reporting.run(*trials, boxes=(facts("a"), facts("b", builder="classic")))
    where = {"a": ("19.03.8", "a", "buildkit", "none"), "b": ("19.03.8", "b", "classic", "none")}
    assert sorted(step_counts(run), key=repr) == sorted(
        [
            StepCount(STEPS[0], *where["b"], "hit", 2),
            StepCount(STEPS[1], *where["b"], "ran", 1),
            StepCount(STEPS[1], *where["b"], "hit", 1),
            StepCount(STEPS[2], *where["b"], "unknown", 2),
            *(StepCount(step, *where["a"], "broken", 2) for step in STEPS),
        ],
        key=repr,
    )


def test_blanks_of_an_instruction_count_once() -> None:
    run = reporting.run(trial("a", "a", (HIT,), steps=("COPY  a \t b",)), steps=("COPY  a \t b",))
    assert [item.step for item in step_counts(run)] == ["COPY a b"]


def test_a_summary_survives_json() -> None:
    made = summary_of("x", reporting.run(trial("a", "b", (HIT, HIT, HIT)), trial("b", "a", (HIT, RAN, RAN))))
    assert Summary.from_json(json.loads(json.dumps(made.to_json()))) == made
    assert (made.name, made.boxes, made.verdicts) == ("x", ("a", "b"), (("as expected", 2),))
