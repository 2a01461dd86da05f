"""`wait`: seconds pass on the box, or its clock is ahead until the side has made its steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import PurePosixPath

import pytest

from lab.boxes.base import Box
from lab.boxes.transcript import ReplayBox
from lab.engines.engine import Engine
from lab.errors import ConfigError
from lab.registry.server import Registry
from lab.results.run import load
from lab.run.station import Station
from lab.run.steps import wait
from lab.run.steps.table import NamedStep
from lab.run.steps.wait import Wait
from lab.run.steps.work import Recipe, Work
from lab.yamlfile import check
from tests.conftest import ROOT

FACTS = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr").boxes[0]


def test_seconds_or_days_are_waited() -> None:
    assert check({"wait": {"seconds": 2}}, NamedStep, "scenario.yaml").kind == "wait"
    assert check({"wait": {"days": 400}}, NamedStep, "scenario.yaml").kind == "wait"


@pytest.mark.parametrize("values", [{}, {"seconds": 1, "days": 1}])
def test_a_wait_of_both_or_of_nothing_is_refused(values: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="either seconds or days"):
        check({"wait": values}, NamedStep, "scenario.yaml")


def test_the_clock_is_ahead_until_the_side_has_made_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    @contextmanager
    def moved(box: Box, days: int) -> Iterator[None]:
        seen.append(f"{box.name} {days} days ahead")
        yield
        seen.append("back")

    monkeypatch.setattr(wait, "moved_clock", moved)
    engine = Engine("26.1.5", ("docker",), "26.1.5", "26.1.5", "")
    registry = Registry("localhost:5000", "registry")
    station = Station(ReplayBox("vm", []), lambda what: nullcontext(), engine, FACTS, PurePosixPath("/home"), registry)
    work = Work(station, Recipe("FROM scratch\n", (), {}), "consumer", "slug", "a:b", {}, lambda what: None)
    Wait(days=3).run(work)
    assert seen == ["vm 3 days ahead"]
    for end in work.endings:
        end()
    assert seen[1:] == ["back"]
