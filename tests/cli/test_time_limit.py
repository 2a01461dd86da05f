"""`--time-limit`: durations, and a run that ends in order when its time is over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import click
import pytest

from lab.cli.time_limit import Duration, in_words, time_limit
from lab.errors import BoxError, Interrupted, TimeLimitError, exit_codes
from lab.workers import side_by_side, stopping, wait_for
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("2h", 7200), ("1h1m1s", 3661)]
)
def test_a_duration_is_read(text: str, seconds: int) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-5", "5 m", "m", "1d", "1.5h", "10m1h", "٣", "9" * 40])
def test_another_text_is_no_duration(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a duration such as"):
        Duration().convert(text, None, None)


def test_a_duration_in_words() -> None:
    assert [in_words(seconds) for seconds in (45, 600, 5400, 3661)] == ["45 s", "10 min", "1 h 30 min", "1 h 1 min 1 s"]


def test_the_end_of_the_time_ends_jobs_as_ctrl_c_does_with_an_exit_code_of_its_own() -> None:
    ended = threading.Event()

    def work() -> None:
        try:
            wait_for("ever", lambda: "no", timeout=100_000, every=0.05)
        finally:
            ended.set()

    try:
        with pytest.raises(TimeLimitError, match="stopped by the time limit of 1 s") as caught, time_limit(1):
            side_by_side({"a": work})
    finally:
        stopping.clear()
    assert ended.is_set()
    assert caught.value.exit_code in {code.code for code in exit_codes()}
    assert caught.value.exit_code not in {Interrupted.exit_code, 0, 4}


def test_the_way_on_that_the_interruption_names_is_kept() -> None:
    def work() -> None:
        try:
            wait_for("ever", lambda: "no", timeout=100_000, every=0.05)
        except KeyboardInterrupt as error:
            raise Interrupted("stopped", hint="the way on") from error

    with pytest.raises(TimeLimitError) as caught, time_limit(1):
        work()
    assert caught.value.hint == "the way on"


IN_EXEC = """
import sys, time
from lab.cli.time_limit import time_limit
from lab.errors import TimeLimitError
try:
    with time_limit(1):
        exec("import time\\nwhile True: time.sleep(0.05)")
except TimeLimitError as error:
    sys.exit(error.exit_code)
"""


def test_the_exit_code_holds_although_the_time_ended_within_an_import() -> None:
    done = subprocess.run([sys.executable, "-c", IN_EXEC], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == TimeLimitError.exit_code


def test_an_error_that_a_library_makes_of_the_end_is_the_end() -> None:
    def work() -> None:
        with suppress(KeyboardInterrupt):  # as a library does that is not written in Python
            time.sleep(60)
        raise TypeError("half made")

    with pytest.raises(TimeLimitError, match="stopped by the time limit of 1 s"), time_limit(1):
        work()


def test_an_error_before_the_end_stays_what_it_is() -> None:
    for error in (TypeError("a defect"), BoxError("no box")):
        with pytest.raises(type(error), match=str(error)), time_limit(60):
            raise error


def test_an_error_of_lab_after_the_end_stays_what_it_is() -> None:
    def work() -> None:
        with suppress(KeyboardInterrupt):
            time.sleep(60)
        raise BoxError("no box")

    with pytest.raises(BoxError, match="no box"), time_limit(1):
        work()


def test_work_that_ends_in_time_leaves_no_alarm() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with time_limit(3600):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == before


def test_ctrl_c_within_the_limit_stays_ctrl_c() -> None:
    with pytest.raises(Interrupted), time_limit(3600):
        raise Interrupted("stopped by Ctrl-C")
    with pytest.raises(KeyboardInterrupt), time_limit(None):
        raise KeyboardInterrupt
