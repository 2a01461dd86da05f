"""What is read of a Docker that a box has without lab: the sums of its programs, and which start of it this is."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.local import LocalBox
from lab.engines.box_docker import SUMS, find_running
from lab.engines.daemon import read_since, read_sums
from lab.engines.engine import Engine
from lab.machines.catalog import Catalog
from tests.conftest import ROOT

SPEC = Catalog(ROOT / "boxes").engine("installed")
PID = "/run/docker.pid"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with two programs, and the file that dockerd writes."""
    for name in ("docker", "dockerd"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n# {name}\necho 28.5.2 28.5.2 c\n")
        program.chmod(0o755)
    (tmp_path / "docker.pid").write_text("7")
    return tmp_path


def asked(home: Path, **variables: str) -> str:
    """What the script prints for a user with these variables."""
    env = {"PATH": f"{home}/bin:{os.environ['PATH']}", "HOME": str(home), **variables}
    script = SUMS.replace(PID, str(home / "docker.pid"))
    return subprocess.run(["sh", "-c", script], env=env, capture_output=True, text=True, check=True).stdout


def test_the_sums_and_the_start_are_read_at_once(home: Path) -> None:
    said = asked(home)
    assert read_sums(said) == {
        name: hashlib.sha256((home / "bin" / name).read_bytes()).hexdigest() for name in ("docker", "dockerd")
    }
    assert read_since(said) and read_since(asked(home)) == read_since(said)


@pytest.mark.parametrize("variable", ["DOCKER_HOST", "DOCKER_CONTEXT"])
def test_a_client_that_may_reach_another_daemon_tells_no_start(home: Path, variable: str) -> None:
    said = asked(home, **{variable: "elsewhere"})
    assert len(read_sums(said)) == 2 and read_since(said) == ""


@pytest.mark.parametrize("folder", [".docker", "own"])
def test_a_client_with_a_context_of_its_own_tells_no_start(home: Path, folder: str) -> None:
    (home / folder).mkdir()
    variables = {} if folder == ".docker" else {"DOCKER_CONFIG": str(home / folder)}
    config = home / folder / "config.json"
    config.write_text('{"auths": {}}')
    assert read_since(asked(home, **variables))
    config.write_text('{"currentContext": "elsewhere"}')
    assert read_since(asked(home, **variables)) == ""


class Answering(LocalBox):
    """A box whose Docker answers the user, or only root, with a start that the script tells."""

    def __init__(self, *, as_root: bool) -> None:
        super().__init__("here")
        self.as_root = as_root

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        words = command.argv
        said = "@ boot 1 2" if words[0] == "sh" else "28.5.2 28.5.2 c"
        ok = words[0] == "sh" or (words[0] == "sudo") == self.as_root
        return super().execute(Command(("echo", said) if ok else ("false",)), on_output)


def test_of_a_client_that_runs_as_root_no_start_is_known() -> None:
    def found(*, as_root: bool) -> Engine:
        return find_running(Answering(as_root=as_root), SPEC)

    assert (found(as_root=False).docker, found(as_root=False).since) == (("docker",), "boot 1 2")
    assert (found(as_root=True).docker, found(as_root=True).since) == (("sudo", "-n", "docker"), "")
