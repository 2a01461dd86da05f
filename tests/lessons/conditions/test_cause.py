from __future__ import annotations

from pathlib import Path

import pytest

from lab.lessons.conditions.cause import Cause
from tests.lessons.stand_in import evidence


@pytest.mark.parametrize(
    ("path", "field", "only", "found", "met"),
    [
        ("a.sh", "mode", False, "as it should be", True),
        ("a.sh", "mode", True, "more", False),
        ("a.sh", "content", False, "other", False),
        (None, "", False, "differs", False),
    ],
)
def test_the_field_that_differs(
    path: str | None, field: str, only: bool, found: str, met: bool, tmp_path: Path
) -> None:
    seen = evidence(tmp_path, {"a.sh": "a", "b.txt": "b"})
    (seen.folder / "a.sh").chmod(0o755)
    (seen.folder / "b.txt").write_text("other", encoding="utf-8")
    finding = Cause(between=("start", "folder"), path=path, field=field, only=only).look(seen)
    assert (finding.found, finding.met) == (found, met)


def test_equal_folders_have_no_cause(tmp_path: Path) -> None:
    seen = evidence(tmp_path, {"a.sh": "a"})
    assert Cause(between=("start", "folder")).look(seen).met
    assert Cause(between=("start", "folder"), path="a.sh").look(seen).found == "same"
