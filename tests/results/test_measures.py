"""Times and durations of a stored run: what whoever shows them can compute with, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import ConfigError
from lab.model import EARLIEST, LATEST, MOST_SECONDS, is_moment
from lab.results.measures import measured
from lab.results.run import load, parse
from tests.reporting import RUNS

RUN = (RUNS / "schema-4" / "run.json").read_bytes()
Change = Callable[[Any], object]
MOMENTS: tuple[Callable[[str], Change], ...] = (
    lambda text: lambda run: run.update(started=text),
    lambda text: lambda run: run.update(finished=text),
    lambda text: lambda run: run.update(resumed=[text]),
    lambda text: lambda run: run["trials"][0].update(started=text),
    lambda text: lambda run: run["productions"][0].update(started=text),
)
DURATIONS: tuple[Callable[[float], Change], ...] = (
    lambda number: lambda run: run["trials"][0].update(seconds=number),
    lambda number: lambda run: run["productions"][0].update(seconds=number),
    lambda number: lambda run: run["trials"][0]["build"]["steps"][0].update(seconds=number),
)


def changed(change: Change) -> bytes:
    """A stored run with a change."""
    data = json.loads(RUN)
    change(data)
    return json.dumps(data).encode()


@pytest.mark.parametrize("place", MOMENTS)
@pytest.mark.parametrize(
    "text",
    [
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59Z", "2201-01-01T00:00:00Z"),
        *("2024-01-01T00:00:00", "soon", ""),
    ],
)
def test_a_time_that_nobody_can_show_is_refused(place: Callable[[str], Change], text: str) -> None:
    with pytest.raises(ConfigError, match=r"^cannot read there: .*(started|finished|resumed)"):
        parse(changed(place(text)), "there")


@pytest.mark.parametrize("place", MOMENTS)
@pytest.mark.parametrize("text", ["1970-01-01T00:00:00Z", "2200-12-31T23:59:59.999999+00:00", "2024-01-01T00:00+05:30"])
def test_every_other_time_is_taken(place: Callable[[str], Change], text: str) -> None:
    parse(changed(place(text)), "there")


@pytest.mark.parametrize("place", DURATIONS)
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), 1e308, -1e308, 1e10])
def test_a_duration_that_nobody_can_show_is_refused(place: Callable[[float], Change], number: float) -> None:
    with pytest.raises(ConfigError, match=r"^cannot read there: .*seconds"):
        parse(changed(place(number)), "there")


def test_a_share_that_is_none_is_refused() -> None:
    rate = {
        "trial": "t",
        "step": 2,
        "instruction": "RUN a",
        "hits": 1,
        "known": 1,
        "repeats": 1,
        "outcomes": {"hit": 1},
    }
    parse(changed(lambda run: run.update(rates=[{**rate, "low": 0.2, "high": 1.0}])), "there")
    for low in (float("nan"), -0.1, 1.1):
        wrong = {**json.loads(RUN), "rates": [{**rate, "low": low, "high": 1.0}]}
        with pytest.raises(ConfigError, match=r"rates\.0\.low"):
            parse(json.dumps(wrong).encode(), "there")


def test_a_clock_that_was_set_back_gives_no_negative_duration() -> None:
    run = parse(changed(lambda run: run["trials"][0].update(seconds=-0.25)), "there")
    assert run.trials[0].seconds == 0.0


@given(st.datetimes() | st.datetimes(timezones=st.timezones() | st.builds(timezone, st.timedeltas(
    min_value=timedelta(hours=-23), max_value=timedelta(hours=23)))))  # fmt: skip
def test_of_a_time_that_is_taken_everything_can_be_computed(time: datetime) -> None:
    if is_moment(time):
        assert 1969 <= time.astimezone(UTC).year <= 2201
        time.astimezone(timezone(timedelta(hours=14))) + timedelta(seconds=MOST_SECONDS)
    elif time.utcoffset() is not None:
        assert not EARLIEST <= time < LATEST


@pytest.mark.parametrize(
    ("number", "known"), [(None, None), (0.0, 0.0), (1.5, 1.5), (-1.0, None), (float("nan"), None), (1e400, None)]
)
def test_what_a_builder_states_is_a_duration_or_not_known(number: float | None, known: float | None) -> None:
    assert measured(number) == known


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in RUNS.glob("*/run.json")))
def test_the_runs_of_every_version_are_read(folder: str) -> None:
    assert load(Path(RUNS / folder)).trials
