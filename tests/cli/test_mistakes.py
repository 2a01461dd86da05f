"""A defect of lab: one line says so and where the traceback is; the traceback is shown only if it is asked for."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cli.mistakes import refused
from lab.errors import HostError
from tests.conftest import ROOT

# The program with a verb that fails as no verb should.
FAILING = """\
import lab.cli.machines
def fail(*_):
    raise KeyError("no such thing\\nand more")
lab.cli.machines.find = fail
import sys
from lab.cli.main import main
sys.argv = ["lab", *sys.argv[1:]]
main()
"""


def failing(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", FAILING, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_defect_is_one_line_and_its_traceback_is_in_a_file(tmp_path: Path) -> None:
    done = failing("boxes", LAB_CACHE=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    found = re.fullmatch(
        r"lab: lab itself failed: KeyError: .*\. This is a defect of lab: please report it\. "
        r"The traceback is in (.+)\n",
        done.stderr,
    )
    assert found, done.stderr
    [file] = (tmp_path / "defects").iterdir()
    assert found[1] == str(file)
    text = file.read_text()
    assert text.startswith("Traceback (most recent call last):") and "KeyError" in text and "in fail" in text


@pytest.mark.parametrize(
    ("words", "variable"), [(["--traceback", "boxes"], ""), (["boxes", "--traceback"], "0"), (["boxes"], "1")]
)
def test_the_traceback_is_printed_if_it_is_asked_for(tmp_path: Path, words: list[str], variable: str) -> None:
    done = failing(*words, LAB_CACHE=str(tmp_path), LAB_DEBUG=variable)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert done.stderr.splitlines()[-1].endswith(
        "This is a defect of lab: please report it. The traceback is printed above"
    )
    assert not (tmp_path / "defects").exists()


def test_a_traceback_that_no_file_can_hold_is_printed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = failing("boxes", LAB_CACHE=str(tmp_path / "file"))
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback") and done.stderr.endswith("The traceback is printed above\n")


@pytest.mark.parametrize("refusal", [errno.EACCES, errno.ENAMETOOLONG])
def test_what_the_system_refuses_to_do_with_a_path_is_no_defect(refusal: int) -> None:
    found = refused(OSError(refusal, os.strerror(refusal), "private/\x1bapp"))
    assert isinstance(found, HostError)
    assert found.message == f"cannot use private/\\x1bapp: {os.strerror(refusal)}"
    assert refused(OSError(refusal, "no path")) is None
    assert refused(FileNotFoundError(errno.ENOENT, "gone", "a file of lab")) is None
    assert refused(KeyError("x")) is None


def test_a_folder_that_may_not_be_searched_is_named_by_every_verb(tmp_path: Path) -> None:
    """Root may search every folder, so the name of a file that no system takes stands for one."""
    done = subprocess.run(
        [sys.executable, "-m", "lab", "why", "--cache-from", f"./{'a' * 300}", "."],
        env={**os.environ, "PYTHONPATH": str(ROOT), "LAB_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT / "templates" / "example" / "app",
    )
    assert done.returncode == 5
    assert done.stderr == f"lab: cannot use {'a' * 300}: File name too long\n"
