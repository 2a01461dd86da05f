"""The verbs by which a class hands in and a teacher makes a table of it."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import FIRST_LESSON as FIRST
from tests.cli.program import Place, data


def test_grades_without_a_check_are_what_the_files_state(here: Place, started: Path) -> None:
    found = here.lab("lesson", "grade", "lessons", "--no-check")
    assert found.returncode == 0
    assert found.stdout.splitlines()[1].startswith(f"lessons/{FIRST},{FIRST},")


def test_what_is_handed_in_is_graded(here: Place, started: Path) -> None:
    made = data(here.lab("lesson", "hand-in", "1", "--output", "class/ada.tgz", "--json"))
    assert made["file"] == "class/ada.tgz"
    found = here.lab("lesson", "grade", "class", "--no-check")
    assert found.stdout.splitlines()[1].startswith(f"class/ada.tgz,{FIRST},")
    plain = here.lab("lesson", "hand-in", "1")
    assert plain.stdout.startswith(f"written to {FIRST}.tgz, ") and (here.root / f"{FIRST}.tgz").is_file()
