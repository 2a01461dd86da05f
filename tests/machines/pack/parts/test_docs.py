from __future__ import annotations

from pathlib import Path

from lab.machines.pack.parts import docs
from lab.model import Progress
from tests.machines.pack.requests import request


def test_the_site_is_packed_if_it_was_made(tmp_path: Path) -> None:
    heard: list[Progress] = []
    asked = request(tmp_path, root=tmp_path, heard=heard)
    assert docs.gather(asked) == []
    assert "left out" in heard[-1].what
    (tmp_path / "build" / "docs" / "_static").mkdir(parents=True)
    (tmp_path / "build" / "docs" / "index.html").touch()
    (tmp_path / "build" / "docs" / "_static" / "a.css").touch()
    assert [item.path for item in docs.gather(asked)] == ["docs/_static/a.css", "docs/index.html"]
