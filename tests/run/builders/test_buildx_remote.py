"""What buildx with the driver remote shares with buildctl, and what it needs; test_buildx.py has its words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.errors import CommandError
from lab.run.builders.buildx_remote import BuildxRemote
from lab.run.builders.caching import KINDS
from tests.run.builders.test_buildx import BUILDCTL, BUILDKIT, built


def test_it_writes_every_kind_of_cache_and_calls_the_same_engines_as_buildctl() -> None:
    assert BuildxRemote().caches("") == KINDS
    assert (BuildxRemote().client, BuildxRemote().needs_buildx) == ("buildctl", True)


def test_an_engine_without_buildx_is_refused_with_what_brings_it() -> None:
    with pytest.raises(CommandError, match="buildx is not beside it") as refused:
        built(BuildxRemote(), replace(BUILDKIT, plugins=None))
    assert refused.value.hint == "--builder buildx-remote brings it"


def test_as_root_buildx_is_called_through_sudo_with_its_variables() -> None:
    engine = replace(BUILDKIT, docker=("sudo", "-n", *BUILDCTL))
    create, build = built(BuildxRemote(), engine).commands[-2:]
    for command in (create, build):
        assert command.argv[0] == "sudo"
        assert command.argv[1] == "--preserve-env=BUILDX_NO_DEFAULT_ATTESTATIONS,DOCKER_CONFIG"
        assert command.argv[2:4] == ("-n", "/x/bin/cli-plugins/docker-buildx")
