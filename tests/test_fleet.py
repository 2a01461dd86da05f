from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import EngineError
from lab.fleet import Fleet
from lab.lineups import Catalog
from lab.model import Progress
from lab.project import Project

from .conftest import ROOT


def test_a_lineup_of_optional_boxes_that_all_fail_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # no daemon listens there, whatever Docker this machine has
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    catalog = Catalog(ROOT / "boxes")
    heard: list[Progress] = []
    fleet = Fleet(Project(tmp_path, tmp_path / "cache"), catalog, heard.append)
    with pytest.raises(EngineError, match="cannot use the Docker of local: it does not answer"):
        fleet.up("local", [catalog.box("local")])
    assert [event.who for event in heard if event.failed] == ["local"]


def test_down_where_nothing_was_made_removes_nothing(tmp_path: Path) -> None:
    catalog = Catalog(ROOT / "boxes")
    assert Fleet(Project(tmp_path, tmp_path / "cache"), catalog, lambda event: None).down(["local"]) == []
