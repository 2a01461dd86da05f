"""Ctrl-C, SIGTERM and SIGHUP end lab in order at any time: exit status 130 and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Stands in for click, which the program imports first: the signal comes while that import goes on.
CLICK = """\
import os, signal, time
os.kill(os.getpid(), getattr(signal, os.environ["LAB_TEST_SIGNAL"]))
time.sleep(100_000)
"""
# The console script, as pip writes it.
SCRIPT = "import sys; from lab.__main__ import main; sys.exit(main())"
# A job in a thread while the main thread waits: what `up` and `repro` do most of the time.
WORKING = """\
import os, signal, sys, threading
import lab.__main__
import lab.cli.main as program
from lab.workers import side_by_side, wait_for

def work():
    os.kill(os.getpid(), getattr(signal, os.environ["LAB_TEST_SIGNAL"]))
    wait_for("ever", lambda: "no", timeout=100_000)

program.lab.get_command = lambda ctx, name: program.click.Command("working", callback=lambda: side_by_side({"x": work}))
sys.argv = ["lab", "working"]
lab.__main__.main()
"""
NAMES = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "SIGHUP": "SIGHUP"}


def ended(words: list[str], name: str, path: str) -> tuple[int, str, str]:
    env = {**os.environ, "LAB_TEST_SIGNAL": name, "PYTHONPATH": path}
    call = [sys.executable, *words]
    done = subprocess.run(call, capture_output=True, text=True, env=env, cwd=ROOT, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("words", [["-m", "lab", "status"], ["-c", SCRIPT]])
def test_a_signal_during_the_imports_ends_with_one_line(tmp_path: Path, words: list[str], name: str) -> None:
    (tmp_path / "click.py").write_text(CLICK)
    assert ended(words, name, f"{tmp_path}{os.pathsep}{ROOT}") == (130, "", f"lab: stopped by {NAMES[name]}\n")


@pytest.mark.parametrize("name", NAMES)
def test_a_signal_during_the_work_ends_the_jobs(name: str) -> None:
    code, out, err = ended(["-c", WORKING], name, str(ROOT))
    assert (code, out) == (130, "")
    assert err.splitlines()[0] == f"lab: stopped by {NAMES[name]}"
    assert "Traceback" not in err


def test_the_console_script_installs_the_handlers_too() -> None:
    text = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    assert "    lab = lab.__main__:main\n" in text


def test_a_signal_that_nohup_has_ignored_stays_ignored() -> None:
    code = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); import sys; sys.argv = ['lab', '--version']\n"
        "import lab.cli.main, lab.__main__\n"
        "lab.cli.main.main = lambda: print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)\n"
        "lab.__main__.main()"
    )
    assert ended(["-c", code], "", str(ROOT))[:2] == (0, "True\n")


# The exception of a signal is raised where nobody can get it: in a callback, as importlib has one after each import.
LOST = """\
import os, signal, sys, time, weakref
import lab.__main__
import lab.cli.main as program

def callback(reference):
    os.kill(os.getpid(), getattr(signal, os.environ["LAB_TEST_SIGNAL"]))
    time.sleep(0)

def work():
    class Gone:
        pass
    gone = Gone()
    reference = weakref.ref(gone, callback)
    del gone
    time.sleep(100_000)

program.lab.get_command = lambda ctx, name: program.click.Command("working", callback=work)
sys.argv = ["lab", "working"]
lab.__main__.main()
"""
# pydantic's core forgets the exception, and raises one of its own.
FORGOTTEN = """\
import os, signal, sys
import lab.__main__
import lab.cli.main as program

def work():
    try:
        os.kill(os.getpid(), getattr(signal, os.environ["LAB_TEST_SIGNAL"]))
    except KeyboardInterrupt:
        pass
    error = ValueError("cannot build a model")
    error.__context__ = None
    raise error

program.lab.get_command = lambda ctx, name: program.click.Command("working", callback=work)
sys.argv = ["lab", "working"]
lab.__main__.main()
"""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("code", [LOST, FORGOTTEN], ids=["lost", "forgotten"])
def test_a_signal_that_a_library_loses_ends_lab_all_the_same(code: str, name: str) -> None:
    status, out, err = ended(["-c", code], name, str(ROOT))
    assert (status, out) == (130, "")
    assert err.splitlines()[0] == f"lab: stopped by {NAMES[name]}"
    assert "Traceback" not in err


@pytest.mark.parametrize("name", NAMES)
def test_a_signal_within_exec_ends_with_the_exit_code_of_lab(name: str) -> None:
    """Python itself would end by SIGINT after a plain KeyboardInterrupt there."""
    line = "os.kill(os.getpid(), getattr(signal, os.environ['LAB_TEST_SIGNAL']))"
    code = WORKING.replace('side_by_side({"x": work})', f"exec({line!r})")
    status, _, err = ended(["-c", code], name, str(ROOT))
    assert status == 130
    assert err.splitlines()[0] == f"lab: stopped by {NAMES[name]}"
