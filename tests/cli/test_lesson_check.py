"""The verbs about an exercise, as far as no engine is needed."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import FIRST_LESSON as FIRST
from tests.cli.program import Place, data


def test_hints_are_printed_one_after_another(here: Place, started: Path) -> None:
    assert [data(here.lab("lesson", "hint", "1", "--json"))["number"] for _ in range(2)] == [1, 2]


def test_a_check_without_a_start_has_nothing_to_check(here: Place) -> None:
    found = here.lab("lesson", "check", "1", "--json")
    assert (found.returncode, json.loads(found.stdout)["verdict"]) == (2, "nothing")


def test_reset_keeps_what_the_student_wrote(here: Place, started: Path) -> None:
    (started / "exercise" / "Dockerfile").write_text("mine", encoding="utf-8")
    assert data(here.lab("lesson", "reset", "1", "--json"))["lesson"] == FIRST
    assert (started / "exercise.1" / "Dockerfile").read_text(encoding="utf-8") == "mine"


def test_an_unstarted_lesson_names_the_program_as_it_was_called(here: Place) -> None:
    shown = here.lab("lesson", "check", "1")
    assert shown.returncode == 2
    assert "python -m lab lesson start 01" in " ".join(shown.stdout.split())
