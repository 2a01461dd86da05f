from __future__ import annotations

import csv
import io
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.errors import Interrupted, UsageError
from lab.lessons import grading
from lab.lessons.checking import Checked, Verdict
from lab.lessons.folder import StudentFolder
from lab.lessons.grading import COLUMNS, Grade, Grader, left_out, places_in, row, spreadsheet
from lab.lessons.hand_in import Part, hand_in, packed
from lab.lessons.progress import Progress, save
from lab.project import Project
from tests.conftest import ROOT
from tests.lessons.test_hand_in import endless_headers

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


def test_what_is_no_hand_in_is_named_and_costs_no_other_row(tmp_path: Path) -> None:
    class_ = tmp_path / "class"
    save(class_ / "ada" / "01", DONE)
    (class_ / "bob.zip").write_bytes(b"PK")
    (class_ / "cy").mkdir()
    (class_ / "dan").symlink_to(class_ / "ada")
    assert [path.name for path in left_out([class_])] == ["bob.zip", "cy", "dan"]
    assert list(left_out([class_ / "ada" / "01"])) == []
    named = list(places_in([class_ / "bob.zip", class_ / "ada", class_ / "cy"]))
    assert [path.name for path in named] == ["bob.zip", "01", "cy"]
    grades = [grader_of(tmp_path).grade(place, check_again=False) for place in named]
    assert [bool(grade.problem) for grade in grades] == [True, False, True]


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


def test_a_problem_names_the_archive_and_not_the_copy_that_was_checked(tmp_path: Path) -> None:
    place = tmp_path / "eve.tgz"
    place.write_bytes(packed([Part("lesson.json", tarfile.REGTYPE, 0o644, 0.0, b"{broken")]))
    found = grader_of(tmp_path).grade(place, check_again=True)
    assert found.problem.startswith(f"cannot read {place}/lesson.json: ")


def test_a_student_cannot_name_a_lesson_of_their_own(tmp_path: Path) -> None:
    own = tmp_path / "own" / "01-layer-key"
    shutil.copytree(ROOT / "templates" / "lessons" / "01-layer-key", own)
    student = tmp_path / "student"
    (student / "exercise").mkdir(parents=True)
    save(student, DONE.model_copy(update={"lesson": str(own)}))
    assert "is not the name of a lesson" in grader_of(tmp_path).grade(student, check_again=True).problem


def hostile(class_: Path) -> None:
    """Hand-ins that make a careless reader fail in ways that it does not expect."""
    for name, time in (("a-nan", "nan"), ("a-inf", "inf"), ("a-far", "1e300")):
        with tarfile.open(class_ / f"{name}.tgz", "w:gz") as made:
            head = tarfile.TarInfo("lesson.json")
            head.pax_headers = {"mtime": time}
            made.addfile(head)
    (class_ / "a-deep.tgz").write_bytes(endless_headers())
    for name, text in (("b-deep", "[" * 100_000), ("b-year", '"0001-01-01T00:00:00"')):
        (class_ / name).mkdir()
        content = text if name == "b-deep" else DONE.model_dump_json().replace('"2026-01-02T00:00:00Z"', text)
        (class_ / name / "lesson.json").write_text(content, encoding="utf-8")


def test_no_hand_in_ends_the_grading_of_the_others(tmp_path: Path) -> None:
    class_ = tmp_path / "class"
    class_.mkdir()
    hostile(class_)
    save(class_ / "zoe", DONE)
    grades = [grader_of(tmp_path).grade(place, check_again=True) for place in places_in([class_])]
    assert len(grades) == 7
    assert [Path(grade.folder).name for grade in grades if not grade.problem] == ["zoe"]
    assert len(spreadsheet(grades).splitlines()) == 8


def test_an_error_that_nobody_foresaw_is_the_problem_of_one_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("no such thing")

    save(tmp_path / "ada", DONE)
    monkeypatch.setattr(grading, "unpack", fail)
    found = grader_of(tmp_path).grade(tmp_path / "ada", check_again=True)
    assert found.problem.endswith("RuntimeError: no such thing")


def test_ctrl_c_ends_the_grading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*args: object) -> None:
        raise Interrupted("stopped")

    save(tmp_path / "ada", DONE)
    monkeypatch.setattr(grading, "unpack", stop)
    with pytest.raises(Interrupted):
        grader_of(tmp_path).grade(tmp_path / "ada", check_again=True)


def test_a_folder_that_cannot_be_read_is_a_row_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "ada", DONE)
    (tmp_path / "bob").mkdir()
    real = Path.iterdir

    def refused(path: Path) -> Iterator[Path]:
        if path.name == "bob":  # root may read every folder, so no mode refuses it
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "iterdir", refused)
    places = list(places_in([tmp_path]))
    assert [place.name for place in places] == ["ada", "bob"]
    assert "it has no lesson.json" in grader_of(tmp_path).grade(places[1], check_again=True).problem


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/dev/zero"), os.mkfifo])
def test_a_lesson_json_that_is_no_plain_file_is_a_row_of_its_own(
    make: Callable[[Path], object], tmp_path: Path
) -> None:
    make(tmp_path / "lesson.json")
    assert "it is not a plain file" in grader_of(tmp_path).grade(tmp_path, check_again=True).problem
