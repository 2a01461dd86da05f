"""Waiting: it ends as soon as it can, and says what it waited for and what it saw last."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from lab.errors import BoxError, EngineError, LabError
from lab.workers import wait_for

STOPPED = """\
import threading
from lab.errors import Interrupted
from lab.workers import stopping, wait_for
threading.Timer(0.3, stopping.set).start()
try:
    wait_for("a box", lambda: "nothing", timeout=60, every=60)
except Interrupted as error:
    print(error.message)
"""


def test_what_is_there_at_once_is_not_waited_for() -> None:
    start = time.monotonic()
    assert wait_for("a number", lambda: 7, timeout=60, every=60) == 7
    assert time.monotonic() - start < 5


def test_every_value_but_a_string_ends_the_wait() -> None:
    assert wait_for("nothing", lambda: None, timeout=0) is None
    assert wait_for("no", lambda: False, timeout=0) is False
    with pytest.raises(LabError):
        wait_for("words", lambda: "", timeout=0)


def test_it_looks_until_the_string_goes() -> None:
    seen: list[int | str] = ["not yet", "almost", 3]
    assert wait_for("three", lambda: seen.pop(0), timeout=10, every=0.01) == 3
    assert seen == []


def test_too_long_a_wait_says_all_it_knows() -> None:
    looks = iter(range(1000))
    with pytest.raises(EngineError) as caught:
        wait_for(
            "Docker",
            lambda: f"look {next(looks)}",
            timeout=0.25,
            every=0.1,
            error=EngineError,
            hint="start it",
            detail=lambda: "journal",
        )
    assert caught.value.message == "cannot wait longer than 0.25 s for Docker: look 3"
    assert caught.value.hint == "start it"
    assert caught.value.tail() == ["journal"]


def test_it_looks_once_even_without_time() -> None:
    with pytest.raises(LabError) as caught:
        wait_for("x", lambda: "closed", timeout=0)
    assert caught.value.message == "cannot wait longer than 0 s for x: closed"
    assert wait_for("x", lambda: 1, timeout=-1) == 1


def test_an_error_of_the_look_ends_the_wait() -> None:
    def look() -> str:
        raise BoxError("gone")

    with pytest.raises(BoxError, match="gone"):
        wait_for("x", look, timeout=60, every=60)


def test_stopping_ends_a_wait_in_its_midst() -> None:
    # in a process of its own: `stopping` is never unset
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", STOPPED], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == "stopped while waiting for a box\n"
    assert time.monotonic() - start < 10
