from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.lessons.limits import problems_of
from lab.lessons.new_lesson import write_lesson
from tests.lessons.stand_in import LIBRARY, SCENARIOS


def test_a_new_lesson_is_good_and_has_the_next_number(tmp_path: Path) -> None:
    shutil.copytree(LIBRARY / "03-copy-hash", tmp_path / "03-copy-hash")
    made = write_lesson("cache-mounts", tmp_path)
    assert made.name == "04-cache-mounts"
    assert problems_of(made, SCENARIOS) == []


def test_nothing_that_exists_is_written_over(tmp_path: Path) -> None:
    write_lesson("one", tmp_path)
    with pytest.raises(UsageError, match="exists"):
        write_lesson("one", tmp_path)
    with pytest.raises(UsageError, match="small letters"):
        write_lesson("../One", tmp_path)
