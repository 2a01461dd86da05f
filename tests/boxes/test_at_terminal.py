"""A program that has the terminal: Ctrl-C is for it alone, and lab has the terminal again afterwards."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

PROGRAM = """\
import os, sys
from lab.boxes.at_terminal import at_terminal
from lab.boxes.base import Command
script = "trap 'exit 5' INT; echo ready; while :; do sleep 0.05; done"
print("status", at_terminal(Command(("sh", "-c", script))), os.tcgetpgrp(0) == os.getpgrp(), flush=True)
"""


def read_until(terminal: int, mark: bytes) -> bytes:
    """What the terminal shows until the mark; fails at its end."""
    seen = b""
    while mark not in seen:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux: the other end is closed
            part = b""
        assert part, seen
        seen += part
    return seen


def test_ctrl_c_is_for_the_program_and_the_terminal_comes_back() -> None:
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a suite in the background ignores it, and programs inherit that
        os.execve(sys.executable, [sys.executable, "-c", PROGRAM], {**os.environ, "PYTHONPATH": str(ROOT)})
    read_until(terminal, b"ready")
    os.write(terminal, b"\x03")
    assert b"status 5 True" in read_until(terminal, b"True")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)


def test_without_a_terminal_the_program_has_the_input_of_lab() -> None:
    program = PROGRAM.replace("echo ready; while :; do sleep 0.05; done", "read -r line; echo got $line").replace(
        "os.tcgetpgrp(0) == os.getpgrp()", "True"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], input=b"words\n", env=env, capture_output=True, check=True)
    assert done.stdout == b"got words\nstatus 0 True\n"


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    program = PROGRAM.replace('("sh", "-c", script)', f'("{tmp_path}/none",)')
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert f"FileNotFoundError: [Errno 2] No such file or directory: '{tmp_path}/none'" in done.stderr
