"""When a box is overdue: only while a cell waits, and only if nothing was heard for the whole deadline."""

from __future__ import annotations

from lab.run.distributed.deadlines import Deadlines


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def made() -> tuple[Deadlines, Clock]:
    clock = Clock()
    return Deadlines(60, clock), clock


def test_a_cell_that_nobody_begins_is_overdue_after_the_deadline() -> None:
    deadlines, clock = made()
    deadlines.add("a", "x")
    clock.now += 60
    assert deadlines.overdue() == []
    clock.now += 1
    assert deadlines.overdue() == ["a"]
    deadlines.drop("a", "x")
    assert deadlines.overdue() == []


def test_cells_that_wait_for_their_box_are_not_overdue_while_others_begin_and_end() -> None:
    deadlines, clock = made()
    for name in ("x", "y", "z"):
        deadlines.add("a", name)
    for name in ("x", "y"):
        deadlines.begun("a", name, "w1")
        clock.now += 50
        assert deadlines.overdue() == []
        deadlines.ended("a", name)
        deadlines.drop("a", name)
    clock.now += 61
    assert deadlines.overdue() == ["a"]


def test_a_cell_that_comes_after_a_long_pause_has_its_whole_time() -> None:
    deadlines, clock = made()
    clock.now += 1000
    deadlines.add("a", "x")
    clock.now += 59
    assert deadlines.overdue() == []


def test_the_cell_that_runs_is_known_with_its_worker_until_it_ends() -> None:
    deadlines, _ = made()
    deadlines.add("a", "x")
    deadlines.begun("a", "x", "w1")
    deadlines.begun("a", "x", "w2")  # Dask gave it to another worker
    assert deadlines.running("a") == ("x", "w2")
    deadlines.ended("a", "other")
    assert deadlines.running("a") == ("x", "w2")
    deadlines.ended("a", "x")
    assert deadlines.running("a") is None


def test_a_box_that_was_heard_gets_its_whole_time_again() -> None:
    deadlines, clock = made()
    deadlines.add("a", "x")
    deadlines.add("b", "y")
    clock.now += 61
    deadlines.hear("a")
    assert deadlines.overdue() == ["b"]
