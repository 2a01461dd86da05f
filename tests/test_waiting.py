"""Waiting: it ends as soon as it can, and says what it waited for and what it saw last."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest

from lab.errors import BoxError, EngineError, LabError
from lab.workers import wait_for

FOREVER = 100_000.0  # seconds: a wait that should end at once would never end
STOPPED = """\
import threading
from lab.errors import Interrupted
from lab.workers import stopping, wait_for
threading.Timer(0.3, stopping.set).start()
try:
    wait_for("a box", lambda: "nothing", timeout=100_000, every=100_000)
except Interrupted as error:
    print(error.message)
"""


def test_what_is_there_at_once_is_not_waited_for() -> None:
    assert wait_for("a number", lambda: 7, timeout=FOREVER, every=FOREVER) == 7


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
    looks = itertools.count()
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
    # how many looks there were depends on the machine; the last of them is the one that is shown
    assert caught.value.message == f"cannot wait longer than 0.25 s for Docker: look {next(looks) - 1}"
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
        wait_for("x", look, timeout=FOREVER, every=FOREVER)


def test_stopping_ends_a_wait_in_its_midst() -> None:
    # in a process of its own: `stopping` is never unset
    done = subprocess.run([sys.executable, "-c", STOPPED], capture_output=True, text=True, check=False)
    assert done.stdout == "stopped while waiting for a box\n"


def test_progress_makes_the_time_a_limit_on_silence() -> None:
    # without progress the first look would be the last: there is no time at all
    seen = iter(["boot 1", "boot 2", "boot 3", "up"])
    console = itertools.count()

    def look() -> str | tuple[str]:
        line = next(seen)
        return (line,) if line == "up" else line

    assert wait_for("x", look, timeout=0.001, every=0.01, progress=lambda: next(console)) == ("up",)


def test_silence_is_named_as_such() -> None:
    with pytest.raises(BoxError) as caught:
        wait_for("x", lambda: "no answer", timeout=0, every=0, error=BoxError, progress=lambda: "the same")
    assert caught.value.message == "cannot wait longer than 0 s without any progress for x: no answer"
