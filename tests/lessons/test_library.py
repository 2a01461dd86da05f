from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.errors import ConfigError, UsageError
from lab.lessons.library import find_lesson, lessons, read_lesson, usable_lessons
from tests.lessons.stand_in import LIBRARY


def test_a_lesson_is_found_by_number_name_and_path() -> None:
    for word in ("1", "01", "layer-key", "01-layer-key", str(LIBRARY / "01-layer-key")):
        assert find_lesson(word, LIBRARY).name == "01-layer-key"


def test_an_unknown_lesson_has_a_near_one() -> None:
    with pytest.raises(UsageError, match='did you mean "01-layer-key"'):
        find_lesson("01-layer-kex", LIBRARY)
    with pytest.raises(UsageError, match=r"no lesson\.yaml"):
        find_lesson("./none", LIBRARY)


def test_two_lessons_cannot_have_one_number(tmp_path: Path) -> None:
    for name in ("01-layer-key", "01-other"):
        shutil.copytree(LIBRARY / "01-layer-key", tmp_path / name)
    with pytest.raises(ConfigError, match="01-layer-key has the number 01, too"):
        lessons(tmp_path)


@pytest.mark.parametrize("name", ["lesson.md", "lesson.yaml"])
def test_a_large_missing_or_linked_file_is_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "01-layer-key"
    shutil.copytree(LIBRARY / "01-layer-key", folder)
    path = folder / name
    path.write_bytes(b"x" * (65 << 10))
    with pytest.raises(ConfigError, match="larger than 64 KiB"):
        read_lesson(folder)
    path.unlink()
    with pytest.raises(ConfigError, match="No such file"):
        read_lesson(folder)
    path.symlink_to("/etc/hostname")
    with pytest.raises(ConfigError, match="not a plain file"):
        read_lesson(folder)


def test_what_is_no_folder_is_refused_for_that(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, why in (("01-gone", "it does not exist"), ("gone", "it does not exist"), ("file", "it is not a folder")):
        with pytest.raises(ConfigError, match=f"{name} as a lesson: {why}"):
            read_lesson(tmp_path / name)


def test_a_name_without_a_number_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lesson").mkdir()
    with pytest.raises(ConfigError, match="as in 01-layer-key"):
        read_lesson(tmp_path / "lesson")


def test_a_broken_lesson_does_not_hide_the_others(tmp_path: Path) -> None:
    for name in ("01-layer-key", "02-order"):
        shutil.copytree(LIBRARY / name, tmp_path / name)
    shutil.copytree(LIBRARY / "01-layer-key", tmp_path / "01-other")
    (tmp_path / "02-order" / "lesson.yaml").write_text("title: [", encoding="utf-8")
    found, broken = usable_lessons(tmp_path)
    assert [lesson.name for lesson in found] == ["01-layer-key"]
    assert [item.name for item in broken] == ["01-other", "02-order"]
    assert "has the number 01, too" in broken[0].error.message and "02-order/lesson.yaml" in broken[1].error.message
