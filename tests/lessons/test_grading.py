from __future__ import annotations

import csv
import io
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.lessons.checking import Checked, Verdict
from lab.lessons.folder import StudentFolder
from lab.lessons.grading import COLUMNS, Grade, Grader, places_in, row, spreadsheet
from lab.lessons.hand_in import hand_in
from lab.lessons.progress import Progress, save
from lab.project import Project
from tests.conftest import ROOT

DONE = Progress(
    lesson="01-layer-key",
    started=datetime(2026, 1, 2, tzinfo=UTC),
    prediction="a",
    right="a",
    checks=3,
    passed=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)


def test_a_row_for_each_folder_in_which_no_text_is_a_formula() -> None:
    grades = [
        Grade("=cmd()", DONE, Checked(Verdict.NOT_YET, "first-run-hits", "ran", "a hint")),
        Grade("b", problem="cannot read it"),
    ]
    header, first, second = csv.reader(io.StringIO(spreadsheet(grades)))
    assert tuple(header) == COLUMNS
    assert first == [
        "'=cmd()", "01-layer-key", "not yet", "first-run-hits", "ran", "a", "a", "1", "3", "0", "0",
        "2026-01-02T03:04:05Z",
    ]  # fmt: skip
    assert second == ["b", "", "cannot read it", *[""] * 9]


def test_folders_are_found_below_a_place_and_links_are_not_followed(tmp_path: Path) -> None:
    for name in ("b/01", "a/lessons/01"):
        save(tmp_path / "class" / name, DONE)
    (tmp_path / "class" / "c").symlink_to(tmp_path / "class" / "a")
    found = [str(path.relative_to(tmp_path)) for path in places_in([tmp_path / "class"])]
    assert found == ["class/a/lessons/01", "class/b/01"]
    with pytest.raises(UsageError, match="no lesson"):
        list(places_in([tmp_path / "class" / "b" / "01" / "none"]))


def test_a_damaged_folder_is_a_row_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "lesson.json").write_text("{", encoding="utf-8")
    grader = Grader(ROOT / "templates" / "lessons", Project(tmp_path, tmp_path), lambda event: None)
    found = grader.grade(tmp_path, check_again=True)
    assert found.progress is None and "cannot read" in found.problem


def grader_of(folder: Path) -> Grader:
    return Grader(ROOT / "templates" / "lessons", Project(folder, folder), lambda event: None)


def test_archives_and_folders_of_a_class_are_graded_alike(tmp_path: Path) -> None:
    save(tmp_path / "class" / "ada", DONE)
    hand_in(StudentFolder(tmp_path / "class" / "ada"), tmp_path / "class" / "bob.tgz")
    places = list(places_in([tmp_path / "class"]))
    assert [place.name for place in places] == ["ada", "bob.tgz"]
    grades = [grader_of(tmp_path).grade(place, check_again=True) for place in places]
    assert [grade.checked and grade.checked.verdict for grade in grades] == [Verdict.NOTHING, Verdict.NOTHING]
    first, second = (row(grade)[1:] for grade in grades)
    assert first == second


def test_a_damaged_archive_is_a_row_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "bob.tgz").write_bytes(b"no archive")
    found = grader_of(tmp_path).grade(tmp_path / "bob.tgz", check_again=True)
    assert found.progress is None and "it is damaged" in found.problem


def test_a_student_cannot_name_a_lesson_of_their_own(tmp_path: Path) -> None:
    own = tmp_path / "own" / "01-layer-key"
    shutil.copytree(ROOT / "templates" / "lessons" / "01-layer-key", own)
    student = tmp_path / "student"
    (student / "exercise").mkdir(parents=True)
    save(student, DONE.model_copy(update={"lesson": str(own)}))
    assert "is not the name of a lesson" in grader_of(tmp_path).grade(student, check_again=True).problem
