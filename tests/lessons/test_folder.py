from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.lessons.folder import TIME, copy_start, is_unchanged, need_new, signature


@pytest.fixture
def start(tmp_path: Path) -> Path:
    folder = tmp_path / "start"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "run").write_text("x", encoding="utf-8")
    (folder / "bin" / "run").chmod(0o775)
    (folder / "text").write_text("x", encoding="utf-8")
    (folder / "text").chmod(0o664)
    (folder / "link").symlink_to("text")
    return folder


def test_a_copy_has_the_same_modes_and_times_whatever_the_umask(start: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        copy_start(start, tmp_path / "copy")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "copy").rglob("*") if not path.is_symlink()}
    assert modes == {"bin": 0o755, "run": 0o755, "text": 0o644}
    assert {path.lstat().st_mtime for path in (tmp_path / "copy").rglob("*")} == {TIME}
    assert (tmp_path / "copy" / "link").readlink() == Path("text")


def test_a_folder_is_changed_by_bytes_modes_names_and_links_and_not_by_times(start: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"

    def renewed() -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        copy_start(start, folder)
        return folder

    first = tmp_path / "first"
    copy_start(start, first)
    os.utime(renewed() / "text", (1, 1))
    assert is_unchanged(folder, first)
    (folder / "text").chmod(0o600)
    assert not is_unchanged(folder, first)
    (renewed() / "new").touch()
    assert not is_unchanged(folder, first)
    (renewed() / "link").unlink()
    (folder / "link").symlink_to("bin")
    assert not is_unchanged(folder, first)


def test_a_save_changes_the_signature(start: Path) -> None:
    before = signature(start)
    (start / "text").write_text("other", encoding="utf-8")
    assert signature(start) != before


def test_a_place_that_lab_has_not_made_is_left_alone(start: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it exists"):
        need_new(start)
    need_new(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    need_new(tmp_path / "empty")
