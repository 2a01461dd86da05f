"""The hit rate of each step of repeated trials, its interval, and which steps are flaky."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.model import Outcome, Verdict
from lab.results.rates import rates_of, wilson
from lab.results.run import Repetition, Run, Trial
from tests.reporting import HIT, RAN, UNKNOWN, run, trial


def repeats(*rows: tuple[Outcome, ...] | None, verdict: Verdict = Verdict.AS_EXPECTED) -> tuple[Trial, ...]:
    """The repeats of one trial, each with these outcomes."""
    made = [trial("a", "b", row, verdict) for row in rows]
    return tuple(
        one.model_copy(update={"repeat": number, "name": one.name + (f"#{number}" if number > 1 else "")})
        for number, one in enumerate(made, 1)
    )


def repeated(*trials: Trial, times: int = 3) -> Run:
    return run(*trials, repetition=Repetition(times=times, seed=7))


# Values that statsmodels' proportion_confint(method="wilson") and the tables of Newcombe (1998) give.
@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_that_of_newcombes_table(hits: int, tries: int, low: float, high: float) -> None:
    assert list(wilson(hits, tries)) == pytest.approx([low, high], abs=5e-5)


def test_without_a_try_nothing_is_known_of_the_rate() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 400).flatmap(lambda tries: st.tuples(st.integers(0, tries), st.just(tries))))
def test_the_interval_contains_the_seen_rate_and_is_symmetric(seen: tuple[int, int]) -> None:
    hits, tries = seen
    low, high = wilson(hits, tries)
    assert 0 <= low <= hits / tries <= high <= 1
    assert low < high
    assert list(wilson(tries - hits, tries)) == pytest.approx([1 - high, 1 - low])


def test_each_step_has_its_rate_and_a_flaky_one_is_known() -> None:
    found = rates_of(repeated(*repeats((HIT, HIT, HIT), (HIT, RAN, RAN), (HIT, HIT, RAN))))
    assert [(rate.step, rate.hits, rate.known, rate.is_flaky) for rate in found] == [
        (2, 3, 3, False),
        (3, 2, 3, True),
        (4, 1, 3, True),
    ]
    assert found[1].outcomes == {HIT: 2, RAN: 1}
    assert {rate.trial for rate in found} == {"a>b:19.03.8/copy-bust:none"}


def test_an_outcome_that_is_not_known_is_neither_a_hit_nor_a_miss() -> None:
    unread = repeats((HIT, UNKNOWN, HIT), (HIT, HIT, HIT), None)
    broken = repeats((RAN, RAN, RAN), verdict=Verdict.BROKEN)
    found = rates_of(repeated(*unread, broken[0].model_copy(update={"repeat": 4, "name": f"{broken[0].name}#4"})))
    assert [(rate.hits, rate.known, rate.repeats, rate.is_flaky) for rate in found] == [
        (2, 2, 4, False),
        (1, 1, 4, False),
        (2, 2, 4, False),
    ]


def test_a_wrong_hit_is_a_hit_of_its_own_kind() -> None:
    [first, *_] = rates_of(repeated(*repeats((Outcome.WRONG_HIT, HIT, HIT), (HIT, HIT, HIT))))
    assert (first.hits, first.known, first.is_flaky) == (2, 2, True)


def test_a_run_without_repeats_has_no_rates() -> None:
    assert rates_of(run(trial("a", "b", (HIT, HIT, HIT)))) == ()
