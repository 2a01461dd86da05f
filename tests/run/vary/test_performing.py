"""What Ctrl-C leaves behind: the folder with the answers, and the axes that have none."""

from __future__ import annotations

from pathlib import Path

from lab.errors import Interrupted, exit_codes
from lab.run.vary.performing import StoppedError


def test_the_error_knows_the_folder_and_what_is_left() -> None:
    error = StoppedError("stopped by Ctrl-C", Path("results/x"), ["mtime", "crlf"])
    assert (error.folder, error.left, error.exit_code) == (Path("results/x"), ("mtime", "crlf"), 130)


def test_it_has_no_exit_code_of_its_own() -> None:
    assert [code.code for code in exit_codes()].count(Interrupted.exit_code) == 1
