"""A trial's verdict: outcomes held against what the scenario expects."""

from __future__ import annotations

import pytest

from lab.errors import Fault
from lab.model import Outcome, Verdict
from lab.results.run import BuildResult, CacheImport, StepResult
from lab.run.expectations import Expectation
from lab.run.judging import fault_of, judge, read_result, unread

WORDS = {"h": Outcome.HIT, "r": Outcome.RAN, "e": Outcome.ERROR, "u": Outcome.UNKNOWN}


def build(outcomes: str, expected: str, *imports: bool | None) -> BuildResult:
    steps = tuple(
        StepResult(instruction=f"RUN {number}", outcome=WORDS[seen], expected=WORDS[wanted])
        for number, (seen, wanted) in enumerate(zip(outcomes, expected, strict=True))
    )
    return BuildResult(steps=steps, imports=tuple(CacheImport(ref="x", ok=ok) for ok in imports))


@pytest.mark.parametrize(
    ("outcomes", "expected", "verdict"),
    [
        ("hhh", "hhh", Verdict.AS_EXPECTED),
        ("hrr", "hrr", Verdict.AS_EXPECTED),
        ("rrr", "rrr", Verdict.AS_EXPECTED),
        ("hrr", "hhh", Verdict.MISSED),
        ("rrr", "hrr", Verdict.MISSED),
        ("hhr", "hhh", Verdict.MISSED),
        ("hhh", "hrr", Verdict.UNEXPECTED_HIT),
        ("hhr", "hrr", Verdict.UNEXPECTED_HIT),
        ("rhh", "hrr", Verdict.MISSED),  # one ran that should hit: that others hit makes it no better
        ("huu", "hhh", Verdict.BROKEN),
        ("heu", "hrr", Verdict.BROKEN),
        ("hre", "hrr", Verdict.BROKEN),
        ("uuu", "hhh", Verdict.BROKEN),
        ("rru", "hhh", Verdict.BROKEN),  # broken goes before busted
    ],
)
def test_outcomes_against_expectations(outcomes: str, expected: str, verdict: Verdict) -> None:
    assert judge(build(outcomes, expected)) is verdict


def test_no_build_is_broken() -> None:
    assert judge(None) is Verdict.BROKEN


def test_a_cache_that_was_read_or_not_seen_changes_nothing() -> None:
    assert judge(build("hrr", "hhh", True)) is Verdict.MISSED
    assert judge(build("hhh", "hhh", None)) is Verdict.AS_EXPECTED


def test_a_cache_that_could_not_be_read_is_no_bust() -> None:
    # every step then runs, whatever the files are: it says nothing of the cache's keys
    assert judge(build("rrr", "hhh", False)) is Verdict.BROKEN


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (None, Fault.COMMAND),
        (build("hre", "hrr"), Fault.COMMAND),
        (build("hru", "hrr"), Fault.OUTPUT),
        (build("rrr", "hhh", False), Fault.OUTPUT),
        (build("hrr", "hhh"), None),
        (build("hhh", "hhh", True), None),
    ],
)
def test_whose_fault_a_broken_trial_is(made: BuildResult | None, fault: Fault | None) -> None:
    assert fault_of(made) is fault


STEPS = ("RUN echo foo", "COPY bar bar", "RUN echo baz")
PLAN = Expectation((Outcome.HIT, Outcome.RAN, Outcome.RAN))


def test_outcomes_are_found_by_instruction_beside_what_is_expected() -> None:
    output = b"#4 [1/4] FROM x\n#4 DONE 0.0s\n#5 [2/4] RUN echo foo\n#5 CACHED\n#6 [3/4] COPY bar bar\n#6 DONE 0.1s\n"
    read = read_result(output, STEPS, PLAN)
    assert [(step.outcome, step.expected) for step in read.steps] == [
        (Outcome.HIT, Outcome.HIT), (Outcome.RAN, Outcome.RAN), (Outcome.UNKNOWN, Outcome.RAN),
    ]  # fmt: skip
    assert unread(read) == "no outcome could be read for RUN echo baz"


def test_output_that_shows_no_build_leaves_every_outcome_unknown() -> None:
    read = read_result(b"", STEPS, None)
    assert [step.outcome for step in read.steps] == [Outcome.UNKNOWN] * 3
    assert judge(read) is Verdict.BROKEN


def test_a_cache_that_could_not_be_read_is_named() -> None:
    assert unread(build("rrr", "hhh", False)) == "the cache of x could not be read"
    assert unread(build("hhh", "hhh", True)) is None
    assert unread(None) is None
