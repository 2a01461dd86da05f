"""The script of a shell, run by this machine's sh: which `docker` it has, where it is, and how it ends."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from lab.engines.engine import Engine
from lab.engines.shell import GONE, script


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def ran(text: str, tmp_path: Path, commands: str) -> subprocess.CompletedProcess[str]:
    """The script with a shell that does these commands, and temporary files in a folder of the test."""
    shell = program(tmp_path / "shell", commands)
    (tmp_path / "tmp").mkdir()
    env = {**os.environ, "SHELL": str(shell), "TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path)}
    env["PATH"] = f"{tmp_path / 'usual'}:{env['PATH']}"
    done = subprocess.run(["sh", "-c", text], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert list((tmp_path / "tmp").iterdir()) == []  # the stand-in of the client is removed
    return done


def engine(*docker: str, program: str = "docker") -> Engine:
    return Engine("e", docker, "1", "1", "c", program=program)


def test_docker_is_the_client_of_the_engine_and_finds_its_daemon(tmp_path: Path) -> None:
    own = program(tmp_path / "own" / "docker", 'echo "own $*"')
    program(tmp_path / "usual" / "docker", "echo usual")
    made = script(engine(str(own), "-H", "unix:///run/own.sock"), PurePosixPath(tmp_path), {"DOCKER_CONFIG": "/a b"})
    done = ran(made, tmp_path, 'docker build . && echo "$DOCKER_HOST,$DOCKER_CONFIG,$PWD"; exit 7')
    assert done.stdout.splitlines() == ["own build .", f"unix:///run/own.sock,/a b,{tmp_path}"]
    assert done.returncode == 7


def test_a_docker_that_is_installed_is_found_where_it_is(tmp_path: Path) -> None:
    program(tmp_path / "usual" / "docker", 'echo "usual $*"')
    done = ran(script(engine("docker")), tmp_path, 'docker ps; echo "${DOCKER_HOST-none} $PWD"')
    assert (done.stdout.splitlines(), done.returncode) == (["usual ps", f"none {tmp_path}"], 0)


def test_a_client_that_needs_root_is_called_by_sudo_with_its_variables(tmp_path: Path) -> None:
    program(tmp_path / "usual" / "sudo", 'echo "sudo $*"')
    done = ran(script(engine("sudo", "-n", "/opt/docker", "-H", "unix:///s")), tmp_path, "docker ps")
    [line] = done.stdout.splitlines()
    assert line.startswith("sudo -n --preserve-env=DOCKER_HOST,") and line.endswith(" /opt/docker ps")


def test_buildctl_has_a_variable_of_its_own(tmp_path: Path) -> None:
    own = program(tmp_path / "own" / "buildctl", 'echo "own $*"')
    made = script(engine(str(own), "--addr", "unix:///b.sock", program="buildctl"))
    assert ran(made, tmp_path, 'buildctl du; echo "$BUILDKIT_HOST"').stdout == "own du\nunix:///b.sock\n"


@pytest.mark.parametrize("folder", ["gone", "a 'quoted' folder"])
def test_a_folder_that_is_gone_has_a_status_of_its_own(tmp_path: Path, folder: str) -> None:
    assert ran(script(engine("docker"), PurePosixPath(tmp_path / folder)), tmp_path, "true").returncode == GONE
