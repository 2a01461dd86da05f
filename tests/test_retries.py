"""Attempts: what may pass is tried again with growing pauses and announced; everything else is raised at once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import BoxError, EngineError
from lab.notices import Notice, Retried, listening
from lab.retries import Attempts, attempt

QUICK = Attempts(most=3, first=0.001)
STOPPED = """\
import threading
from lab.errors import Interrupted
from lab.retries import Attempts, attempt
from lab.workers import stopping
threading.Timer(0.3, stopping.set).start()
def fail():
    raise ConnectionError("no")
try:
    attempt("guest", "connect", fail, on=ConnectionError, attempts=Attempts(first=100_000, longest=100_000))
except Interrupted as error:
    print(error.message)
"""


class Work:
    """Fails with these errors, one after the other, and then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_a_failure_that_passes_is_announced_and_costs_nothing_else() -> None:
    heard: list[Notice] = []
    work = Work(BoxError("cannot reach guest: no"), ConnectionResetError(104, "Connection reset by peer"))
    with listening(heard.append):
        assert attempt("guest", "connect", work, on=(BoxError, OSError), attempts=QUICK) == "done"
    assert [
        (item.who, item.what, item.attempt, item.most, item.why) for item in heard if isinstance(item, Retried)
    ] == [
        ("guest", "connect", 1, 3, "cannot reach guest: no"),
        ("guest", "connect", 2, 3, "Connection reset by peer"),
    ]


def test_the_last_error_is_raised() -> None:
    work = Work(BoxError("one"), BoxError("two"), BoxError("three"))
    with pytest.raises(BoxError, match="three"):
        attempt("guest", "connect", work, on=BoxError, attempts=QUICK)
    assert work.calls == 3


def test_another_error_is_raised_at_once() -> None:
    work = Work(EngineError("no"))
    with pytest.raises(EngineError):
        attempt("guest", "connect", work, on=BoxError, attempts=QUICK)
    refused = Work(BoxError("refused"))
    with pytest.raises(BoxError):
        attempt("guest", "connect", refused, on=BoxError, passing=lambda error: False, attempts=QUICK)
    assert (work.calls, refused.calls) == (1, 1)


@given(st.integers(1, 50), st.floats(0.01, 10), st.floats(0.01, 100))
def test_pauses_double_up_to_the_longest_and_are_shortened_by_half_at_most(
    failed: int, first: float, longest: float
) -> None:
    pause = Attempts(first=first, longest=longest).pause(failed)
    whole = min(longest, first * 2.0 ** (failed - 1))
    assert whole / 2 <= pause <= whole


def test_stopping_ends_the_pause() -> None:
    # in a process of its own: `stopping` is never unset
    done = subprocess.run([sys.executable, "-c", STOPPED], capture_output=True, text=True, check=False)
    assert done.stdout == "stopped while waiting to connect again\n"
