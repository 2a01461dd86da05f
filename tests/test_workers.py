"""Jobs side by side: their values, their errors, and an orderly end when Ctrl-C comes."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from lab.errors import BoxError, EngineError, LabError
from lab.workers import Background, each, raise_first, side_by_side
from tests.conftest import HANGS

# A job that runs a child program and one that waits; on Ctrl-C both must end, and so must the child.
INTERRUPTED = """\
import signal, sys
from lab.boxes.base import Command
from lab.boxes.process import run_process
from lab.errors import Interrupted
from lab.workers import side_by_side
from lab.workers import wait_for
import lab.workers
from tests.conftest import HANGS
lab.workers.GRACE_SECONDS = float(sys.argv.pop(1))  # in which Vagrant would end by itself; the child here does not
lab.workers.PATIENCE_SECONDS = 1

def child():
    print("ready", flush=True)
    run_process(Command(tuple(sys.argv[1:])))
    return "ended"

jobs = {"child": child, "wait": lambda: wait_for("ever", lambda: "no", timeout=100_000)}
try:
    side_by_side(jobs, on_stop=lambda: print("on_stop", flush=True))
except Interrupted as error:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the test sends some more
    print(error.message, flush=True)
    sys.exit(error.exit_code)
"""


def test_values_by_name_in_the_order_given() -> None:
    def slow() -> str:
        time.sleep(0.05)
        return "s"

    values, errors = side_by_side({"slow": slow, "quick": lambda: "q"})
    assert list(values.items()) == [("slow", "s"), ("quick", "q")]
    assert errors == {}


def test_jobs_run_at_the_same_time() -> None:
    meeting = threading.Barrier(3)
    values, _ = each("abc", lambda name: meeting.wait(HANGS) >= 0 and name)
    assert values == {"a": "a", "b": "b", "c": "c"}


def test_no_jobs_are_no_work() -> None:
    assert each([], lambda name: name) == ({}, {})


def test_one_jobs_error_costs_the_others_nothing() -> None:
    def work(name: str) -> int:
        if name == "bad":
            raise BoxError("cannot boot")
        time.sleep(0.05)
        return 1

    values, errors = each(["bad", "good"], work)
    assert values == {"good": 1}
    assert list(errors) == ["bad"]
    assert (type(errors["bad"]), errors["bad"].message) == (BoxError, "cannot boot")


def test_a_defect_is_raised_once_all_have_ended() -> None:
    ended = []

    def work(name: str) -> None:
        if name == "bad":
            raise ZeroDivisionError
        time.sleep(0.2)
        ended.append(name)

    with pytest.raises(ZeroDivisionError):
        each(["bad", "good"], work)
    assert ended == ["good"]


def test_the_first_error_is_raised() -> None:
    raise_first({})
    errors: dict[str, LabError] = {"a": BoxError("one"), "b": EngineError("two")}
    with pytest.raises(BoxError, match="one"):
        raise_first(errors)


def interrupt(
    tmp_path: Path, *child: str, grace: float = 0.2, again: bool = False
) -> tuple[int, str, list[psutil.Process]]:
    """Send the script SIGINT once its child has made the file `set`; its status, its output, the children it had."""
    words = [sys.executable, "-c", INTERRUPTED, str(grace), *child]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as lab:
        try:
            assert lab.stdout
            assert lab.stdout.readline() == "ready\n"
            while not (tmp_path / "set").exists():
                time.sleep(0.01)
            children = psutil.Process(lab.pid).children(recursive=True)
            lab.send_signal(signal.SIGINT)
            while again and lab.poll() is None:
                time.sleep(0.4)
                lab.send_signal(signal.SIGINT)
            said, _ = lab.communicate()
            return lab.returncode, said, children
        finally:
            lab.kill()


def sleeper(folder: Path) -> list[str]:
    """A program that makes the file `set` and then sleeps for longer than any test."""
    return ["sh", "-c", 'touch "$1"; exec sleep 100000', "sh", str(folder / "set")]


def test_ctrl_c_ends_the_children_and_says_so(tmp_path: Path) -> None:
    code, said, children = interrupt(tmp_path, *sleeper(tmp_path))
    assert (code, said) == (130, "on_stop\nstopped by Ctrl-C\n")
    assert len(children) == 1
    assert not psutil.wait_procs(children, timeout=60)[1]


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    deaf = (
        "import pathlib, signal, sys, time\nfor n in (2, 15): signal.signal(n, signal.SIG_IGN)\n"
        "pathlib.Path(sys.argv[1]).touch()\ntime.sleep(100_000)"
    )
    code, said, children = interrupt(tmp_path, sys.executable, "-c", deaf, str(tmp_path / "set"))
    assert (code, said) == (130, "on_stop\nstopped by Ctrl-C\n")
    assert not psutil.wait_procs(children, timeout=60)[1]


def test_a_second_ctrl_c_makes_it_quicker_and_is_no_traceback(tmp_path: Path) -> None:
    # without the second one lab would wait for the child, which has all the time it wants
    code, said, children = interrupt(tmp_path, *sleeper(tmp_path), grace=100_000, again=True)
    assert (code, said) == (130, "on_stop\nstopped by Ctrl-C\n")
    assert not psutil.wait_procs(children, timeout=60)[1]


def test_work_in_the_background_goes_on_until_it_is_settled() -> None:
    begun, free, done = threading.Event(), threading.Event(), []

    def work() -> None:
        begun.set()
        free.wait(60)
        done.append(1)

    job = Background("build", work)
    assert begun.wait(60)
    assert not done
    free.set()
    job.settle()
    assert done == [1]


def test_a_defect_in_the_background_is_raised_and_a_labs_error_is_not() -> None:
    def defect() -> None:
        raise ZeroDivisionError

    def known() -> None:
        raise EngineError("cannot build it")

    with pytest.raises(ZeroDivisionError):
        Background("a", defect).settle()
    Background("b", known).settle()
