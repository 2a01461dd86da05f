from __future__ import annotations

from pathlib import Path

from lab.lessons.folder import StudentFolder, copy_start
from lab.lessons.states import lay_over, remove, renew
from tests.lessons.stand_in import lesson


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
