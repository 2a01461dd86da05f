"""`lab minimise` on a real engine of this machine: a small project, and the scenario that comes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import HANGS, Lab

pytestmark = [pytest.mark.vm, pytest.mark.timeout(2 * HANGS)]
ENGINE = ("--lineup", "local", "--engine", "20.10.24")
DOCKERFILE = "FROM any\nRUN install\nCOPY package ./\nCOPY . /app\nRUN make\n"


def test_a_project_is_shrunk_to_its_guilty_file(workplace: Lab, tmp_path: Path) -> None:
    for name in ("package", "a/one", "a/two", "b/c/three", "b/c/guilty", "b/four"):
        (tmp_path / "p" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "p" / name).write_text(f"{name}\n")
    (tmp_path / "p/Dockerfile").write_text(DOCKERFILE)
    words = ("--context", str(tmp_path / "p"), "--variation", "user-xattr", "--on", "b/c/guilty")
    found = workplace.ok("minimise", *words, "--base", "*=busybox", "--stub-runs", "--json", *ENGINE).json
    assert found["files"] == ["b/c/guilty"]
    assert found["dockerfile"] == "FROM {{base}}\nCOPY . /app\n"
    assert found["verified"] and found["complete"]
    assert found["trials"] < 40
    assert "user.lab" in found["cause"]
    folder = Path(found["folder"])
    assert "COPY . /app" in (folder / "report.md").read_text(encoding="utf-8")
    run = json.loads((folder.parent / found["run"] / "run.json").read_text(encoding="utf-8"))
    outcomes = {trial["variation"]: [step["outcome"] for step in trial["build"]["steps"]] for trial in run["trials"]}
    assert outcomes == {"none": ["hit"], "user-xattr": ["ran"]}


def test_another_builder_and_the_modes_of_a_umask(workplace: Lab, tmp_path: Path) -> None:
    for name in ("a/one", "b/two"):
        (tmp_path / "p" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "p" / name).write_text(f"{name}\n")
        (tmp_path / "p" / name).chmod(0o644)
    (tmp_path / "p/Dockerfile").write_text("FROM any\nRUN install\nCOPY b /app\nRUN make\n")
    words = ("--context", str(tmp_path / "p"), "--variation", "umask-0077", "--builder", "classic")
    found = workplace.ok("minimise", *words, "--base", "*=busybox", "--stub-runs", "--json", *ENGINE).json
    assert found["verified"] and found["consumer"] == "local with 20.10.24+classic"
    assert found["dockerfile"] == "FROM {{base}}\nCOPY b /app\n"
    assert found["files"] == ["b/two"] and len(found["changes"]) == 1
