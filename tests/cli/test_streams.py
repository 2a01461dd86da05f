"""The program with standard streams that its caller closed, as `>&-` does in a shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

LOG = ROOT / "tests" / "data" / "logs" / "R32-middle-only" / "input.txt"


def lab(words: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Call lab in a shell, which can close streams; a defect would leave its traceback in the cache folder."""
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "LAB_CACHE": str(tmp_path), "HOME": str(tmp_path)}
    line = f"exec {sys.executable} -m lab {words}"
    done = subprocess.run(["sh", "-c", line], env=env, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr
    assert "defect" not in done.stderr
    return done


@pytest.mark.parametrize(
    "words", [f"read {LOG}", f"read --json {LOG}", "boxes", "engines", "--version", "--help", "help cause", "", "man"]
)
def test_a_closed_standard_output_is_this_machines_fault(words: str, tmp_path: Path) -> None:
    done = lab(f"{words} >&-", tmp_path)
    assert done.returncode == 5, done.stderr
    assert done.stderr.startswith("lab: cannot write the answer: standard output is closed\nhint: ")


def test_a_verb_that_prints_nothing_needs_no_standard_output(tmp_path: Path) -> None:
    done = lab(f"record {ROOT / 'templates' / 'scenarios' / 'shared'} --output {tmp_path / 'records'} >&-", tmp_path)
    assert (done.returncode, (tmp_path / "records").exists()) == (0, True), done.stderr


@pytest.mark.parametrize("words", ["read -", "diff - /etc/hostname", "read - 2>&1 >/dev/null"])
def test_a_closed_standard_input_is_the_command_lines_fault(words: str, tmp_path: Path) -> None:
    done = lab(f"{words} <&-", tmp_path)
    assert done.returncode == 2
    assert "lab: cannot read standard input: it is closed\nhint: " in done.stderr + done.stdout


@pytest.mark.parametrize(("words", "code"), [(f"read {LOG}", 0), (f"read --fail-on-miss {LOG}", 4), ("read none", 2)])
def test_a_closed_standard_error_changes_no_exit_code(words: str, code: int, tmp_path: Path) -> None:
    assert lab(f"{words} 2>&-", tmp_path).returncode == code


def test_all_streams_closed_at_once(tmp_path: Path) -> None:
    assert lab(f"read {LOG} <&- >&- 2>&-", tmp_path).returncode == 5
    assert lab("read - <&- >&- 2>&-", tmp_path).returncode == 2


def test_a_full_disk_is_told_for_words_that_are_no_verb(tmp_path: Path) -> None:
    for words in ("--version", "--help", "read --help"):
        done = lab(f"{words} >/dev/full", tmp_path)
        assert (done.returncode, done.stderr.splitlines()[0]) == (
            5, "lab: cannot write the answer: No space left on device",
        )  # fmt: skip
