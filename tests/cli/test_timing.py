"""`lab report --timing` as a user calls it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli import program
from tests.cli.program import Place, data
from tests.reporting import RUNS

NEW = "20261123T212733Z-copy-bust"


@pytest.fixture
def place(tmp_path: Path, nursery: subprocess.Popen[str]) -> Place:
    shutil.copytree(RUNS / "schema-1", tmp_path / "results" / NEW)
    return program.checkout(tmp_path, nursery)


def test_the_parts_of_each_trial_are_printed_and_add_up(place: Place) -> None:
    done = place.lab("report", NEW, "--timing")
    assert done.returncode == 0, done.stderr
    assert "all trials" in done.stdout
    assert all(len(line) <= 100 for line in done.stdout.splitlines())
    [run] = data(place.lab("report", NEW, "--timing", "--json"))["runs"]
    timed = [trial for trial in run["trials"] if trial["parts"]]
    assert timed
    for trial in timed:
        assert sum(trial["parts"].values()) == pytest.approx(trial["wall"], abs=0.01)


@pytest.mark.parametrize("words", [["--json"], ["--timing", "--format", "md"], ["--timing", "--output", "x"]])
def test_timing_is_a_report_of_its_own(place: Place, words: list[str]) -> None:
    assert place.lab("report", NEW, *words).returncode == 2
