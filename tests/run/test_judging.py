"""A trial's verdict: outcomes held against what the scenario expects."""

from __future__ import annotations

import pytest

from lab.model import Outcome, Verdict
from lab.results.run import BuildResult, CacheImport, StepResult
from lab.run.judging import judge

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
