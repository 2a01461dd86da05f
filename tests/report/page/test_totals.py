"""Times and hit rates of many trials together, as the page of a long run shows them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from lab.model import Outcome, Verdict
from lab.project import Project
from lab.report.evidence import Evidence
from lab.report.page import long
from lab.report.page.document import render
from lab.report.page.totals import mean_times, step_totals
from lab.report.timing import HEADS
from lab.results.run import Trial
from tests import reporting
from tests.conftest import ROOT
from tests.reporting import HIT, RAN, STEPS, UNKNOWN, WHEN, exchange, trial

TEXTS = Project(ROOT, ROOT).texts("page")


def evidence(*trials: Trial, taking: float = 2.0) -> Evidence:
    """A run of these trials, each with one command that takes so many seconds."""
    made = [
        replace(exchange(one.consumer, one.name, "true"), started=WHEN + timedelta(minutes=number), seconds=taking)
        for number, one in enumerate(trials)
    ]
    return Evidence(reporting.run(*trials), exchanges=tuple(made))


def test_steps_are_counted_over_boxes_and_engines_by_variation() -> None:
    found = step_totals(
        reporting.run(
            trial("a", "b", (HIT, RAN, RAN)),
            trial("b", "a", (HIT, HIT, UNKNOWN), engine="20.10.24"),
            trial("b", "c", (Outcome.WRONG_HIT, HIT, HIT), Verdict.BROKEN),
            trial("a", "b", (RAN, RAN, RAN), variation="user-xattr"),
        )
    )
    assert [(row.variation, row.instruction, row.hits, row.unknown) for row in found] == [
        ("none", STEPS[0], "2 of 2", 1),
        ("none", STEPS[1], "1 of 2", 1),
        ("none", STEPS[2], "0 of 1", 2),
        *(("user-xattr", step, "0 of 1", 0) for step in STEPS),
    ]
    assert found[1].rate.startswith("0.50 (")


def test_a_step_that_is_never_known_has_no_rate() -> None:
    [first, *_] = step_totals(reporting.run(trial("a", "b", None)))
    assert (first.hits, first.rate, first.unknown) == ("0 of 0", "not known", 1)


def test_times_are_means_by_variation_and_engine_and_the_longest_group_comes_first() -> None:
    made = evidence(
        trial("a", "b", (HIT, HIT, HIT), seconds=4.0),
        trial("b", "a", (HIT, HIT, HIT), seconds=8.0),
        trial("a", "b", (HIT, HIT, HIT), engine="20.10.24", seconds=20.0),
        trial("a", "c", (HIT, HIT, HIT), engine="20.10.24", seconds=None),
    )
    found = mean_times(made)
    assert [(row.variation, row.engine, row.trials, row.cells[:3]) for row in found] == [
        ("none", "20.10.24", 1, ("20.0", "1", "18.0")),
        ("none", "19.03.8", 2, ("6.0", "1", "4.0")),
        ("all variations", "all engines", 3, ("10.7", "1", "8.7")),
    ]
    assert all(len(row.cells) == len(HEADS) - 1 for row in found)


def test_a_run_without_times_has_no_table_of_times() -> None:
    assert mean_times(Evidence(reporting.run(trial("a", "b", (HIT, HIT, HIT))))) == []


def test_the_page_of_a_long_run_has_both_and_counts_the_rows_that_it_leaves_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(long, "MOST", 1)
    monkeypatch.setattr(long, "MOST_GROUPS", 1)
    made = evidence(
        trial("a", "b", (HIT, HIT, HIT), seconds=4.0),
        trial("a", "b", (HIT, HIT, HIT), engine="20.10.24", seconds=30.0),
    )
    page = render(made, TEXTS)
    rates, times = (re.findall(rf'<section id="{name}".*?</section>', page, re.DOTALL)[0] for name in ("rates", "time"))
    assert "2 of 2" in rates
    assert "2 more rows, not shown" in rates
    assert "<td>20.10.24<td class=number>1<td class=number>30.0" in times
    assert "all variations<td>all engines<td class=number>2<td class=number>17.0" in times
    assert "1 more row, not shown" in times
    assert '<a href="#rates">' in page
    assert '<a href="#time">' in page
