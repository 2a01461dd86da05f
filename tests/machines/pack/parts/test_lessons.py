from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.machines.pack.parts import lessons
from tests.machines.pack.requests import request


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("01-key", "02-order", "10-wrong"):
        folder = tmp_path / "templates" / "lessons" / name
        folder.mkdir(parents=True)
        (folder / "lesson.md").write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "names"),
    [((), ["01-key", "02-order", "10-wrong"]), (("1",), ["01-key"]), (("10-wrong", "02"), ["10-wrong", "02-order"])],
)
def test_lessons_are_named_by_number_or_name(place: Path, words: tuple[str, ...], names: list[str]) -> None:
    found = lessons.gather(request(place, root=place, lessons=words))
    assert [item.path for item in found] == [f"lessons/{name}/lesson.md" for name in names]


def test_an_unknown_lesson_is_refused(place: Path) -> None:
    with pytest.raises(UsageError, match='cannot find the lesson "3"'):
        lessons.gather(request(place, root=place, lessons=["3"]))


def test_a_lab_without_lessons_packs_none(tmp_path: Path) -> None:
    assert lessons.gather(request(tmp_path, root=tmp_path)) == []
