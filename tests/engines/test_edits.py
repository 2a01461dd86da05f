"""An edit replaces one text that occurs exactly once."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.engines.edits import Edit, replace_once
from lab.errors import EngineError


def test_an_edit_counts_in_all_its_files_together(tmp_path: Path) -> None:
    for name, text in (("a.go", "x := old"), ("b.go", "y"), ("c.txt", "old")):
        (tmp_path / name).write_text(text)
    edit = Edit(files="*.go", find="old", replace="new")
    assert replace_once(edit, tmp_path) == (tmp_path / "a.go", "x := new")
    (tmp_path / "b.go").write_text("old")
    with pytest.raises(EngineError, match="2 files must contain this text once and contain it 2 times: old"):
        replace_once(edit, tmp_path)
    with pytest.raises(EngineError, match="0 files must contain this text once and contain it 0 times"):
        replace_once(Edit(files="none.go", find="old", replace="new"), tmp_path)
