from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.lessons.checking import Checked, Verdict
from lab.lessons.grading import COLUMNS, Grade, Grader, folders_in, spreadsheet
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
    found = [str(path.relative_to(tmp_path)) for path in folders_in([tmp_path / "class"])]
    assert found == ["class/a/lessons/01", "class/b/01"]
    with pytest.raises(UsageError, match="no lesson"):
        list(folders_in([tmp_path / "class" / "b" / "01" / "none"]))


def test_a_damaged_folder_is_a_row_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "lesson.json").write_text("{", encoding="utf-8")
    grader = Grader(ROOT / "templates" / "lessons", Project(tmp_path, tmp_path), lambda event: None)
    found = grader.grade(tmp_path, check_again=True)
    assert found.progress is None and "cannot read" in found.problem
