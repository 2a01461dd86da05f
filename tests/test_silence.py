"""Limits on silence: a sign starts the time again, half of the limit gives one notice, and the end is called once."""

from __future__ import annotations

import threading

import pytest

from lab.notices import Notice, Silent, listening
from lab.silence import Silence, allowed


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_half_of_the_limit_gives_one_notice_and_the_limit_ends_it() -> None:
    clock, heard = Clock(), list[Notice]()
    silence = Silence("guest", "output", 120, clock)
    with listening(heard.append):
        for clock.now in (0, 59, 60, 61, 119):
            assert not silence.is_over()
        clock.now = 120
        assert silence.is_over()
    assert heard == [Silent("guest", "output", 60, 120)]


def test_a_sign_starts_the_time_again() -> None:
    clock, heard = Clock(), list[Notice]()
    silence = Silence("guest", "output", 120, clock)
    with listening(heard.append):
        for _ in range(5):
            clock.now += 100
            assert not silence.is_over()
            silence.heard()
        clock.now += 120
        assert silence.is_over()
    assert len(heard) == 5  # each silence of its own is worth a notice


def test_the_next_look_is_when_something_happens() -> None:
    clock = Clock()
    silence = Silence("guest", "output", 120, clock)
    assert silence.until_look == 60
    clock.now = 60
    silence.is_over()
    assert silence.until_look == 60
    clock.now = 200
    assert silence.until_look > 0  # never a loop without a pause


@pytest.mark.parametrize(
    ("value", "limit"),
    [("", 60), ("30", 60), ("3600", 3600), ("soon", 60), ("inf", 60), ("nan", 60), ("-1", 60), ("1e18", 1_000_000)],
)
def test_the_environment_raises_a_limit(monkeypatch: pytest.MonkeyPatch, value: str, limit: float) -> None:
    monkeypatch.setenv("LAB_SILENCE", value)
    assert allowed(60) == limit
    assert Silence("guest", "output", 60).limit == limit


def test_the_end_is_called_from_another_thread() -> None:
    silence, ended = Silence("guest", "output", 0.05), threading.Event()
    callers: list[threading.Thread] = []

    def end() -> None:
        callers.append(threading.current_thread())
        ended.set()

    with silence.watched(end):
        assert ended.wait()
    assert silence.ended
    assert callers != [threading.current_thread()]
    assert len(callers) == 1


def test_nothing_is_called_for_work_that_ends_before() -> None:
    silence = Silence("guest", "output", 100_000)
    with silence.watched(lambda: pytest.fail("called")):
        pass
    assert not silence.ended
