"""The verb that makes a table of a class."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import FIRST_LESSON as FIRST
from tests.cli.program import Place


def test_grades_without_a_check_are_what_the_files_state(here: Place, started: Path) -> None:
    found = here.lab("lesson", "grade", "lessons", "--no-check")
    assert found.returncode == 0
    assert found.stdout.splitlines()[1].startswith(f"lessons/{FIRST},{FIRST},")
