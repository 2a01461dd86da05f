"""One student's folder without an engine: what is kept, and what is never lost."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.errors import BusyError, UsageError
from lab.lessons import progress as store
from lab.lessons.checking import Verdict
from lab.lessons.desk import Desk, home_of
from lab.lessons.engines import held
from lab.lessons.folder import copy_start
from lab.lessons.new_lesson import write_lesson
from lab.lessons.progress import Progress
from lab.model import Progress as Event
from lab.project import Project
from lab.results.run import load
from tests.conftest import ROOT
from tests.lessons.stand_in import lesson


def quiet(event: Event) -> None:
    pass


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A lesson that was started, whose engine does not run."""
    made = Desk(lesson(), tmp_path / "01-layer-key", Project(tmp_path / "place", tmp_path / "cache"), quiet)
    copy_start(made.lesson.start, made.student.exercise)
    store.save(made.home, Progress(lesson="01-layer-key", started=datetime.now(UTC)))
    return made


def test_a_prediction_is_kept_by_name_and_by_number(desk: Desk) -> None:
    assert desk.predict("2").name == "first-only"
    assert desk.predict("all-steps").name == "all-steps"
    assert desk.need().prediction == "all-steps"
    with pytest.raises(UsageError, match='did you mean "all-steps"'):
        desk.predict("all-step")
    with pytest.raises(UsageError, match="cannot find the choice"):
        desk.predict("5")
    assert desk.need().prediction == "all-steps"


def test_a_prediction_cannot_be_changed_after_the_run_was_shown(desk: Desk) -> None:
    desk.predict("1")
    store.save(desk.home, desk.need().model_copy(update={"run": "results/x"}))
    with pytest.raises(UsageError, match="was shown already"):
        desk.predict("2")
    assert desk.need().prediction == "no-step"


def test_hints_come_one_after_another_and_the_last_one_stays(desk: Desk) -> None:
    count = len(desk.lesson.file.exercise.hints)
    assert [desk.hint()[1] for _ in range(count + 1)] == [*range(1, count + 1), count]
    assert desk.need().hints == count


def test_reset_keeps_the_work_beside_the_exercise_and_the_prediction(desk: Desk) -> None:
    desk.predict("1")
    for text in ("first", "second"):
        (desk.student.exercise / "Dockerfile").write_text(text, encoding="utf-8")
        desk.reset()
    desk.reset()
    kept = sorted(path.name for path in desk.home.iterdir() if path.is_dir())
    assert kept == ["exercise", "exercise.1", "exercise.2"]
    assert (desk.home / "exercise.2" / "Dockerfile").read_text(encoding="utf-8") == "second"
    assert (desk.student.exercise / "Dockerfile").read_bytes() == (desk.lesson.start / "Dockerfile").read_bytes()
    assert desk.need().prediction == "no-step"


def test_what_was_not_started_has_nothing_to_check(desk: Desk) -> None:
    (desk.home / store.NAME).unlink()
    assert desk.check().verdict is Verdict.NOTHING
    with pytest.raises(UsageError, match="it is not started"):
        desk.need()


def test_the_folder_of_another_lesson_is_not_used(desk: Desk) -> None:
    other = Desk(lesson("02-order"), desk.home, desk.project, quiet)
    with pytest.raises(UsageError, match="it is the folder of the lesson 01-layer-key"):
        other.progress()


def test_a_folder_serves_one_process_at_a_time_and_two_students_do_not_wait(desk: Desk, tmp_path: Path) -> None:
    with desk.hold("lesson check"):
        with pytest.raises(BusyError, match="lesson check"), held(desk.home, desk.project.state, "lesson watch"):
            raise AssertionError("the folder is held twice")
        with held(tmp_path / "other" / "01-layer-key", desk.project.state, "lesson check"):
            assert desk.need()


def test_the_run_that_makes_no_choice_right_is_not_kept(desk: Desk) -> None:
    run = load(ROOT / "results" / "sample")
    with pytest.raises(Exception, match="no choice right"):
        desk.ran(run, Path("results/sample"))
    assert desk.need().run is None


def test_the_students_folder_is_below_the_current_one_or_is_it(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert home_of(desk.lesson, None) == Path("lessons/01-layer-key")
    assert home_of(desk.lesson, Path("x")) == Path("x")
    for place in (desk.home, desk.student.exercise):
        monkeypatch.chdir(place)
        assert home_of(desk.lesson, None) == desk.home


def test_a_command_acts_on_the_same_lesson_and_folder(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, elsewhere = Project(ROOT, tmp_path / "cache"), tmp_path / "my work"
    own = write_lesson("cache-mounts", tmp_path / "own lessons")
    assert own.name == "01-cache-mounts"
    monkeypatch.chdir(tmp_path)
    usual, other = Path("lessons/01-layer-key"), Path("lessons/01-cache-mounts")
    assert Desk(desk.lesson, usual, project, quiet).command("run") == "python -m lab lesson run 01"
    there = Desk(desk.lesson, elsewhere, project, quiet)
    assert there.command("run") == f"python -m lab lesson run 01 --to '{elsewhere}'"
    assert Desk(own, other, project, quiet).command("run") == f"python -m lab lesson run '{own.folder}'"
    with pytest.raises(UsageError) as caught:
        Desk(own, elsewhere, project, quiet).need()
    assert caught.value.hint == f"python -m lab lesson start '{own.folder}' --to '{elsewhere}'"
