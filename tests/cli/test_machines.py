"""`lab exec` as a program: what a command prints is passed on as it comes, and none of it is held in memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

MOST = 400 << 20  # bytes of address space beyond which the program must not grow
LONG = "yes | head -c 600000000"


def run(tmp_path: Path, words: list[str], more: str = "") -> subprocess.CompletedProcess[str]:
    """The program in a shell line, with a limit on its memory."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "LAB_ROOT": str(ROOT), "HOME": str(tmp_path)}
    return subprocess.run(
        ["sh", "-c", f'"$@" {more}', "sh", sys.executable, "-m", "lab", "exec", *words],
        env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MOST, MOST)),
    )  # fmt: skip


def test_output_of_any_length_is_passed_on(tmp_path: Path) -> None:
    done = run(tmp_path, ["local", "--", "sh", "-c", LONG], "| wc -c")
    assert (done.stdout.strip(), done.stderr) == ("600000000", "")


def test_a_reader_that_has_enough_ends_the_command(tmp_path: Path) -> None:
    done = run(tmp_path, ["local", "--", "yes"], "| head -1")
    assert (done.stdout, done.stderr) == ("y\n", "")


def test_json_holds_only_so_much(tmp_path: Path) -> None:
    done = run(tmp_path, ["local", "--json", "--", "yes"])
    assert (done.returncode, done.stdout) == (8, "")
    assert "the output has more than 64 MB on local\nhint: leave out --json" in done.stderr


def test_streams_and_statuses_are_those_of_the_command(tmp_path: Path) -> None:
    command = ["--", "sh", "-c", "echo out; echo err >&2; exit 3"]
    done = run(tmp_path, ["local", *command])
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    [row] = json.loads(run(tmp_path, ["local", "--json", *command]).stdout)["results"]
    assert (row["exit"], row["stdout"], row["stderr"]) == (3, "out", "err\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")  # noqa: PTH110
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, ["local", "--", "yes"], "> /dev/full")
    assert (done.returncode, "No space left on device" in done.stderr) == (5, True)
