"""The words of `docker buildx build` with the engine's own builder."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import PurePosixPath

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.transcript import ReplayBox
from lab.engines.engine import Engine
from lab.registry.server import Registry
from lab.results.run import load
from lab.run.builders.buildx import Buildx
from lab.run.builders.buildx_remote import BuildxRemote
from lab.run.builders.caching import Caching
from lab.run.builders.kind import Builder, Order
from lab.run.changes.kind import BuildOptions
from lab.run.station import Station
from lab.run.steps.work import Recipe, Work
from tests.conftest import ROOT

REF = "localhost:1/x:t"
FACTS = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr").boxes[0]
DOCKER = Engine("26.1.5", ("docker",), "26.1.5", "26.1.5", "", builder="buildx", buildx="0.13.1")
CACHE = "type=local,dest=/caches/localhost_1_x_t,mode=max"


class Listening(ReplayBox):
    """A box that keeps the commands and answers each with success."""

    def __init__(self) -> None:
        super().__init__("local", [])
        self.commands: list[Command] = []

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        self.commands.append(command)
        return Result(command, 0, b"", b"", datetime.now(UTC), 0.1)


def built(
    builder: Builder, engine: Engine, *, push: bool = False, export: bool = True, kind: str = "inline"
) -> Listening:
    """The box after one build with a flag, an argument, and the image itself as its cache source."""
    box = Listening()
    registry = Registry("localhost:1", "docker-registry", 1)
    station = Station(box, lambda about: nullcontext(), engine, FACTS, PurePosixPath("/h"), registry)
    work = Work(station, Recipe("FROM b\n", (), {}), "producer", "slug", REF, {"image": REF}, lambda what: None)
    options, caching = BuildOptions({"A": "1 2"}, ("--network=host",)), Caching(kind, PurePosixPath("/caches"))
    builder.build(work, Order(REF, [REF], frozenset(), export, ".", options, push, caching))
    return box


def test_the_engines_own_builder_builds_into_the_engines_images() -> None:
    command = built(Buildx(), DOCKER, push=True).commands[-1]
    assert " ".join(command.argv) == (
        "docker buildx build --builder default --load --progress=plain --cache-to type=inline "
        f"--build-arg A=1 2 --network=host --cache-from {REF} --tag {REF} ."
    )
    assert command.env["BUILDX_NO_DEFAULT_ATTESTATIONS"] == "1"


@pytest.mark.parametrize(
    ("export", "push", "kind", "cache"),
    [(True, True, "local", ["--cache-to", CACHE]), (True, False, "local", []), (False, True, "inline", [])],
)
def test_a_cache_is_written_as_the_order_states(export: bool, push: bool, kind: str, cache: list[str]) -> None:
    argv = built(Buildx(), DOCKER, push=push, export=export, kind=kind).commands[-1].argv
    assert [word for word in argv if word in ("--cache-to", CACHE)] == cache


BUILDCTL = ("buildctl", "--addr", "unix:///b.sock")
PLUGINS = PurePosixPath("/x/bin/cli-plugins")
BUILDKIT = Engine("buildkit-0.25.2", BUILDCTL, "0.25.2", "0.25.2", "", PLUGINS, program="buildctl", buildx="v0.29.1")


@pytest.mark.parametrize("push", [True, False])
def test_the_remote_builder_is_made_for_the_address_that_buildctl_has(push: bool) -> None:
    create, build = built(BuildxRemote(), BUILDKIT, push=push).commands[-2:]
    program = "/x/bin/cli-plugins/docker-buildx"
    assert " ".join(create.argv) == f"{program} create --name lab --node lab0 --driver remote unix:///b.sock"
    assert create.cwd is None  # it is no change of the context
    assert " ".join(build.argv) == (
        f"{program} build --builder lab --progress=plain --cache-to type=inline "
        f"--output type=image,name={REF},push={str(push).lower()} "
        f"--build-arg A=1 2 --network=host --cache-from {REF} --tag {REF} ."
    )
    assert create.env["DOCKER_CONFIG"] == build.env["DOCKER_CONFIG"] == "/h/slug/config"
