"""A defect of lab: one line says so and where the traceback is; the traceback is shown only if it is asked for."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cli.mistakes import refusal
from tests.cli.program import Place
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


LONG = "x" * 300


@pytest.mark.parametrize("words", [("replay", LONG), ("record", LONG), ("diff", ".", LONG), ("cases", "show", LONG)])
def test_a_name_that_is_too_long_is_no_defect(here: Place, words: tuple[str, ...]) -> None:
    done = here.lab(*words)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == f"lab: cannot use {LONG}: File name too long\n"


@pytest.mark.parametrize("words", [("lesson", "lint", "loop"), ("lesson", "start", "1", "--to", "loop")])
def test_a_loop_of_links_is_no_defect(here: Place, words: tuple[str, ...]) -> None:
    (here.root / "loop").symlink_to("loop")
    done = here.lab(*words)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == f"lab: cannot use {here.root / 'loop'}: Too many levels of symbolic links\n"


def test_a_path_that_the_user_may_not_see_is_no_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may see every path, so the error is made here; with `sudo -u`, HOME can be that of another user."""
    monkeypatch.setenv("HOME", "/home/ada")
    other = refusal(PermissionError(errno.EACCES, "Permission denied", "/srv/run"))
    assert other and (other.exit_code, other.message) == (5, "cannot use /srv/run: Permission denied")
    assert other.hint == "the user who calls lab has no permission for it"
    odd = refusal(PermissionError(errno.EACCES, "Permission denied", "/srv/\x1bapp"))
    assert odd and odd.message == "cannot use /srv/\\x1bapp: Permission denied"
    home = refusal(PermissionError(errno.EACCES, "Permission denied", "/home/ada/.cache/lab"))
    assert home and home.hint == "set HOME, which is /home/ada, to a folder of your own; sudo -H does so"


def test_an_error_that_names_no_path_stays_a_defect() -> None:
    assert refusal(PermissionError(errno.EPERM, "Operation not permitted")) is None
    assert refusal(FileNotFoundError(errno.ENOENT, "No such file or directory", "/srv/run")) is None
