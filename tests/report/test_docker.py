"""Recorded commands of docker and buildctl: how the client is called, and what a command does."""

from __future__ import annotations

import pytest

from lab.report import docker

BUILD = ("build", "--frontend", "dockerfile.v0", "--output", "type=image,name=x,push=true")
CALL = ("/x/bin/buildctl", "--addr", "unix:///b.sock")


@pytest.mark.parametrize("before", [(), ("sudo", "-n")])
def test_buildctl_is_a_client_as_docker_is(before: tuple[str, ...]) -> None:
    argv = (*before, *CALL, *BUILD)
    assert docker.split(argv) == ((*before, *CALL), BUILD)
    assert (docker.client(argv), docker.verb(argv)) == ("buildctl", "build")
    assert docker.builds(argv)
    assert not docker.imports(argv)
    assert docker.imports((*argv, "--import-cache", "type=registry,ref=x"))


def test_both_clients_prune() -> None:
    assert docker.prunes((*CALL, "prune", "--all"))
    assert docker.prunes(("docker", "-H", "unix:///d", "system", "prune", "-a", "-f"))
    assert not docker.prunes((*CALL, "debug", "info"))


@pytest.mark.parametrize("argv", [(), ("sh", "-c", "buildctl build"), ("sudo", "-n"), ("buildctl.sh", "build")])
def test_other_programs_are_no_client(argv: tuple[str, ...]) -> None:
    assert (docker.split(argv), docker.client(argv), docker.verb(argv)) == (None, "", "")
