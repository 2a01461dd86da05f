from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.lessons.conditions.file import File
from tests.lessons.stand_in import StandIn, evidence


@pytest.fixture
def seen(tmp_path: Path) -> StandIn:
    found = evidence(tmp_path, {"same.txt": "a", "edited.txt": "a"})
    (found.folder / "edited.txt").write_text("b", encoding="utf-8")
    return found


@pytest.mark.parametrize(
    ("words", "found", "met"),
    [
        ({"path": "same.txt", "mode": "0644", "like_start": True}, "as it should be", True),
        ({"path": "same.txt", "mode": "0755"}, "mode", False),
        ({"path": "same.txt", "like_start": False}, "unchanged", False),
        ({"path": "same.txt", "newer": True}, "old", False),
        ({"path": "edited.txt", "newer": True, "like_start": False}, "as it should be", True),
        ({"path": "edited.txt", "like_start": True}, "changed", False),
        ({"path": "none.txt"}, "missing", False),
        ({"path": "none.txt", "there": False}, "missing", True),
        ({"path": "same.txt", "there": False}, "there", False),
    ],
)
def test_a_file_of_the_student(words: dict[str, Any], found: str, met: bool, seen: StandIn) -> None:
    finding = File(**words).look(seen)
    assert (finding.found, finding.met) == (found, met)
