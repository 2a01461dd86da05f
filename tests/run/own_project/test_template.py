"""A project as a scenario folder: what lab reads of it is what the project is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.boxes.local import LocalBox
from lab.buildkit.rulebook import Rulebook
from lab.errors import ContextError
from lab.run.own_project.project import read_project
from lab.run.own_project.request import Request
from lab.run.own_project.template import scenario_folder
from lab.run.scenarios import Scenario, load_scenario
from tests.conftest import ROOT

RULES = Rulebook(ROOT / "boxes").newest
TEXT = 'FROM docker.io/library/python:3\nCOPY a t.j2 /x/\nRUN echo {{ hi }} {% x %}\nRUN ["b"]\n'


def project(folder: Path) -> Path:
    (folder / "d/empty").mkdir(parents=True)
    (folder / "Dockerfile").write_text(TEXT)
    (folder / "a").write_text("a\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o700)
    (folder / "t.j2").write_text("{{ not ours }}")
    (folder / "link").symlink_to("a")
    os.link(folder / "a", folder / "hard")
    os.setxattr(folder / "a", "user.x", b"\xff")
    (folder / "d").chmod(0o2750)
    return folder


def loaded(request: Request, into: Path, base: str = "scratch") -> Scenario:
    for name, part in scenario_folder(read_project(request), RULES).items():
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(part.content)
        path.chmod(0o755 if part.executable else 0o644)
    return load_scenario(into, base)


def test_lab_reads_the_same_dockerfile_and_the_same_context(tmp_path: Path) -> None:
    made = loaded(Request(project(tmp_path / "my app")), tmp_path / "s")
    assert made.dockerfile == TEXT and made.name == "project-my-app"
    assert made.file.variables == {"python_3": "docker.io/library/python:3"}
    assert made.context == {"a": (b"a\n", False), "run.sh": (b"#!/bin/sh\n", True), "t.j2": (b"{{ not ours }}", False)}


def test_the_changes_make_what_files_do_not_say(tmp_path: Path) -> None:
    made = loaded(Request(project(tmp_path / "p")), tmp_path / "s")
    box, target = LocalBox(), tmp_path / "target"
    target.mkdir()
    for name, (content, executable) in made.context.items():
        (target / name).write_bytes(content)
        (target / name).chmod(0o755 if executable else 0o644)
    (target / "d").mkdir()
    for change in made.prepare:
        for command in change.commands():
            box.check(command.argv, doing="make a change", cwd=target)  # type: ignore[arg-type]
    assert (target / "link").readlink() == Path("a") and (target / "hard").samefile(target / "a")
    assert os.getxattr(target / "a", "user.x") == b"\xff" and (target / "d/empty").is_dir()
    assert (target / "run.sh").stat().st_mode & 0o7777 == 0o700 and (target / "d").stat().st_mode & 0o7777 == 0o2750


def test_variations_of_one_stage_state_what_every_step_does(tmp_path: Path) -> None:
    made = loaded(Request(project(tmp_path / "p")), tmp_path / "s")
    assert {item.name: item.expect for item in made.file.variations} == dict.fromkeys(
        ("mode", "user-xattr", "content", "crlf"), ("ran", "ran", "ran")
    )


def test_several_stages_have_no_variation_and_options_are_kept(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    (folder / "Dockerfile").write_text("FROM a AS x\nCOPY a a\nFROM b\nCOPY --from=x a a\n")
    made = loaded(Request(folder, build_args=("A=1",), network="none"), tmp_path / "s")
    assert made.file.variations == () and len(made.sequence) == 4
    assert "arguments:\n      A: '1'" in (tmp_path / "s/scenario.yaml").read_text()
    assert "--network=none" in (tmp_path / "s/scenario.yaml").read_text()


def test_labs_own_base_stays_a_variable(tmp_path: Path) -> None:
    request = Request(project(tmp_path / "p"), bases={"*": "busybox"}, stub_runs=True)
    made = loaded(request, tmp_path / "s", "localhost:5000/base@1")
    assert made.bases == ("localhost:5000/base@1",) and "RUN true >/.lab-" in made.dockerfile


def test_a_context_that_a_scenario_cannot_hold(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    with (folder / "big").open("wb") as out:
        out.truncate(9 << 20)
    with pytest.raises(ContextError, match="holds 8 MiB at most"):
        scenario_folder(read_project(Request(folder)), RULES)
