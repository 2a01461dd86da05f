"""What is counted of a run, and the summary as JSON."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

from lab.model import Verdict
from lab.results.summary import StepCount, Summary, marks_of, step_counts, summary_of
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
    assert step_counts(run) == [
        StepCount(0, STEPS[0], *where["b"], "hit", 1),
        StepCount(0, STEPS[1], *where["b"], "ran", 1),
        StepCount(0, STEPS[2], *where["b"], "unknown", 1),
        StepCount(1, STEPS[0], *where["b"], "hit", 1),
        StepCount(1, STEPS[1], *where["b"], "hit", 1),
        StepCount(1, STEPS[2], *where["b"], "unknown", 1),
        *(StepCount(place, step, *where["a"], "broken", 1) for place in (2, 3) for step in STEPS),
    ]


def test_blanks_of_an_instruction_count_once() -> None:
    steps = ("COPY  a \t b", "COPY a b")
    run = reporting.run(trial("a", "a", (HIT, HIT), steps=steps), steps=steps)
    assert [(item.step, item.count) for item in step_counts(run)] == [("COPY a b", 2)]


def test_a_trial_is_identified_by_its_name_and_moment_and_one_that_did_not_begin_by_its_runs() -> None:
    zone = timezone(timedelta(hours=2))
    moved = trial("a", "a", (HIT, HIT, HIT), started=datetime(2026, 5, 27, 20, 30, tzinfo=zone))
    lost = trial("b", "a", None, Verdict.BROKEN)
    made = reporting.run(moved, lost)
    assert marks_of("x", made) == [(0, f"{moved.name} 2026-05-27T18:30:00+00:00"), (1, f"{lost.name} of x")]
    merged = made.model_copy(update={"merged": ("x", "y")})
    assert marks_of("z", merged) == [marks_of("x", made)[0], *((1, f"{lost.name} of {part}") for part in "xy")]


def test_a_summary_survives_json() -> None:
    made = summary_of("x", reporting.run(trial("a", "b", (HIT, HIT, HIT)), trial("b", "a", (HIT, RAN, RAN))))
    assert Summary.from_json(json.loads(json.dumps(made.to_json()))) == made
    assert (made.name, made.boxes, made.verdicts) == ("x", ("a", "b"), (("as expected", 2),))


def test_a_summary_names_the_engines_of_trials_alone() -> None:
    """A matrix excludes combinations, whose engines may be ready all the same."""
    boxes = tuple(facts("a", name) for name in ("1.0.0", "2.0.0", "3.0.0"))
    one = trial("a", "a", (HIT, HIT, HIT), engine="3.0.0", producer_engine="1.0.0")
    assert summary_of("x", reporting.run(one, boxes=boxes)).engines == ("1.0.0", "3.0.0")
    assert summary_of("x", reporting.run(boxes=boxes)).engines == ("1.0.0", "2.0.0", "3.0.0")
