from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

import pytest

from lab.errors import ConfigError
from lab.lessons.engines import LessonEngine
from lab.lessons.folder import StudentFolder, copy_start
from lab.lessons.lesson_file import State
from lab.lessons.library import read_lesson
from lab.lessons.states import lay_over, make_state, remove, renew
from tests.lessons.stand_in import LIBRARY, lesson


def test_files_are_laid_over_others_also_where_links_and_folders_are(tmp_path: Path) -> None:
    over, under = tmp_path / "over", tmp_path / "under"
    for folder in (over, under):
        folder.mkdir()
    (over / "a").write_text("new", encoding="utf-8")
    (over / "link").symlink_to("a")
    (over / "folder").write_text("a file", encoding="utf-8")
    (under / "stays").touch()
    (under / "a").write_text("old", encoding="utf-8")
    (under / "link").symlink_to("stays")
    (under / "folder").mkdir()
    lay_over(over, under)
    assert (under / "a").read_text(encoding="utf-8") == "new"
    assert (under / "link").readlink() == Path("a")
    assert (under / "folder").is_file() and (under / "stays").exists()


def test_a_new_start_has_no_log_and_keeps_the_progress(tmp_path: Path) -> None:
    student = StudentFolder(tmp_path)
    copy_start(lesson().start, student.exercise)
    (student.exercise / "new").touch()
    for name in ("build.log", "lesson.json"):
        (tmp_path / name).touch()
    renew(lesson(), student)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["exercise", "lesson.json"]
    assert not (student.exercise / "new").exists()


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    remove(tmp_path / "link")
    remove(tmp_path / "none")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_nothing_is_laid_through_a_link(tmp_path: Path) -> None:
    over, under, outside = tmp_path / "over", tmp_path / "under", tmp_path / "outside"
    (over / "a").mkdir(parents=True)
    (over / "a" / "new").write_text("new", encoding="utf-8")
    outside.mkdir()
    under.mkdir()
    (under / "a").symlink_to(outside)
    lay_over(over, under)
    assert (under / "a" / "new").is_file() and not (under / "a").is_symlink()
    assert list(outside.iterdir()) == []


def test_nothing_is_removed_through_a_link(tmp_path: Path) -> None:
    made = tmp_path / "01-layer-key"
    shutil.copytree(LIBRARY / "01-layer-key", made)
    (tmp_path / "mine").touch()
    (made / "start" / "out").symlink_to(tmp_path)
    state = State(remove=("out/mine",))
    with pytest.raises(ConfigError, match="out/mine: it leads out of the folder through a link"):
        make_state(read_lesson(made), state, StudentFolder(tmp_path / "student"), cast(LessonEngine, None))
    assert (tmp_path / "mine").exists()
