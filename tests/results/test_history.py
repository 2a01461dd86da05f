"""Hit rates over time: what is counted, what is not, and in which order."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from lab.results.history import Wanted, history
from lab.results.index import Counted
from lab.results.rates import wilson
from lab.results.summary import StepCount


def item(day: int, outcome: str, count: int = 1, hour: int = 12, **fields: str) -> Counted:
    words = {"step": "COPY a b", "engine": "20.10.9", "box": "one", "builder": "buildkit", "variation": "none"} | fields
    scenario = words.pop("scenario", "copy-bust")
    moment = datetime(2026, 11, day, hour, tzinfo=UTC)
    return Counted(f"run {day} {hour}", moment, scenario, StepCount(trial=0, **words, outcome=outcome, count=count))


def test_the_outcomes_of_a_day_are_one_rate() -> None:
    counts = [item(2, "hit", 3), item(2, "wrong-hit"), item(2, "ran", 2, hour=13), item(1, "hit")]
    first, second = history(counts, Wanted("COPY a b"))
    assert (first.day, first.hits, first.known, first.runs) == (date(2026, 11, 1), 1, 1, 1)
    assert (second.day, second.hits, second.known, second.runs) == (date(2026, 11, 2), 4, 6, 2)
    assert (second.low, second.high) == tuple(round(end, 4) for end in wilson(4, 6))
    assert second.outcomes == {"hit": 3, "wrong-hit": 1, "ran": 2}


def test_unknown_and_broken_are_shown_and_are_no_hits_or_misses() -> None:
    [rate] = history([item(1, "unknown", 2), item(1, "broken", 5), item(1, "hit")], Wanted("COPY*"))
    assert (rate.hits, rate.known, rate.unknown, rate.broken, rate.rate) == (1, 1, 2, 5, 1.0)
    [lost] = history([item(1, "unknown", 2), item(1, "broken", 5)], Wanted("COPY*"))
    assert (lost.known, lost.rate, lost.low, lost.high) == (0, None, 0.0, 1.0)
    assert lost.to_json()["rate"] is None


def test_engines_come_by_version_then_boxes_then_builders() -> None:
    counts = [
        item(1, "hit", engine="20.10.10"),
        item(1, "hit", box="two"),
        item(1, "hit", builder="classic"),
        item(1, "hit"),
    ]
    series = [rate.series[1:] for rate in history(counts, Wanted("*"))]
    assert series == [
        ("20.10.9", "one", "buildkit"),
        ("20.10.9", "one", "classic"),
        ("20.10.9", "two", "buildkit"),
        ("20.10.10", "one", "buildkit"),
    ]


@pytest.mark.parametrize(
    ("wish", "days"),
    [
        ({"step": "COPY a"}, []),
        ({"step": "COPY  a   b"}, [1, 2, 3, 4]),
        ({"step": "COPY [ab] *"}, [1, 2, 3, 4]),
        ({"step": "*", "engine": "26.*"}, [2]),
        ({"step": "*", "box": "two"}, [3]),
        ({"step": "*", "scenario": "crlf"}, [4]),
        ({"step": "*", "variation": "none"}, [1, 2, 3]),
        ({"step": "*", "since": datetime(2026, 11, 3, 12, tzinfo=UTC)}, [3, 4]),
    ],
)
def test_each_wish_leaves_what_it_matches(wish: dict[str, Any], days: list[int]) -> None:
    counts = [
        item(1, "hit"),
        item(2, "hit", engine="26.1.5"),
        item(3, "hit", box="two"),
        item(4, "hit", scenario="crlf", variation="mode"),
    ]
    assert sorted(rate.day.day for rate in history(counts, Wanted(**wish))) == days


def test_a_step_that_looks_like_a_glob_matches_itself() -> None:
    [rate] = history([item(1, "hit", step="COPY [a] b")], Wanted("COPY [a] b"))
    assert rate.step == "COPY [a] b"
