"""A request loads a scenario, or a project of the user's own."""

from __future__ import annotations

from pathlib import Path

from lab.run.own_project import request as own
from lab.run.own_project.project import read_project
from lab.run.vary.request import Request
from lab.run.vary.table import AXES
from tests.conftest import ROOT


def test_a_scenario_or_a_project(tmp_path: Path) -> None:
    case = Request("local", ROOT / "templates" / "scenarios" / "copy-bust")
    assert case.load("base:1").name == "copy-bust" and case.axes is AXES
    (tmp_path / "Dockerfile").write_text("FROM alpine\nRUN one\n")
    project = read_project(own.Request(tmp_path))
    assert Request("local", project=project).load("base:1").instructions == ("RUN one",)
