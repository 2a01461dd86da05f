"""What the builders of Docker's client share: pushing and pruning, and the caches that they can write."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import PurePosixPath

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.transcript import ReplayBox
from lab.engines.engine import CONTAINERD, Engine
from lab.registry.server import Registry
from lab.results.run import load
from lab.run.builders.buildkit import BuildKit
from lab.run.builders.buildx import Buildx
from lab.run.builders.caching import KINDS
from lab.run.builders.classic import Classic
from lab.run.builders.kind import Scope
from lab.run.station import Station
from lab.run.steps.prune import Prune
from lab.run.steps.push import Push
from lab.run.steps.work import Recipe, Work
from tests.conftest import ROOT

REF = "localhost:1/x:t"
FACTS = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr").boxes[0]


class Listening(ReplayBox):
    """A box that keeps the commands and answers each with success."""

    def __init__(self) -> None:
        super().__init__("local", [])
        self.commands: list[tuple[str, ...]] = []

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        self.commands.append(command.argv)
        return Result(command, 0, b"", b"", datetime.now(UTC), 0.1)


def work_of(box: Listening, builder: str) -> Work:
    engine = Engine("20.10.24", ("docker",), "20.10.24", "20.10.24", "", builder=builder)
    registry = Registry("localhost:1", "docker-registry", 1)
    station = Station(box, lambda about: nullcontext(), engine, FACTS, PurePosixPath("/h"), registry)
    return Work(station, Recipe("FROM b\n", (), {}), "producer", "slug", REF, {"image": REF}, lambda what: None)


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_the_image_is_pushed_from_the_engines_store(builder: str) -> None:
    box = Listening()
    Push(side="producer").run(work_of(box, builder))
    assert box.commands[-1] == ("docker", "push", REF)


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
@pytest.mark.parametrize(
    ("scope", "words"),
    [("all", "system prune -a -f"), ("builder", "builder prune -f"), ("images", "image prune -a -f")],
)
def test_a_prune_is_dockers(builder: str, scope: Scope, words: str) -> None:
    box = Listening()
    Prune(scope=scope).run(work_of(box, builder))
    assert box.commands[-1] == ("docker", *words.split())


def test_only_containerds_store_exports_every_kind_of_cache() -> None:
    assert BuildKit().caches("") == ("inline",)
    assert BuildKit().caches(CONTAINERD) == KINDS
    assert Classic().caches(CONTAINERD) == ("inline",)
    assert Buildx().caches("") == ("inline",)
    assert Buildx().caches(CONTAINERD) == KINDS
