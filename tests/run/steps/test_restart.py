"""`restart`: the engine's own command, then questions until it answers; a Docker that lab did not start is refused."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import PurePosixPath

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.transcript import ReplayBox
from lab.engines.engine import Engine
from lab.errors import CommandError
from lab.registry.server import Registry
from lab.results.run import load
from lab.run.station import Station
from lab.run.steps.restart import Restart
from lab.run.steps.work import Recipe, Work
from tests.conftest import ROOT

FACTS = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr").boxes[0]


class Daemon(ReplayBox):
    """A box whose daemon answers only to the third question."""

    def __init__(self) -> None:
        super().__init__("local", [])
        self.seen: list[tuple[str, ...]] = []

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        self.seen.append(command.argv)
        asked = self.seen.count(("docker", "version"))
        return Result(command, 1 if 0 < asked < 3 else 0, b"", b"", datetime.now(UTC), 0.1)


def restarted(restart: tuple[str, ...]) -> list[tuple[str, ...]]:
    box = Daemon()
    engine = Engine("26.1.5", ("docker",), "26.1.5", "26.1.5", "", restart=restart)
    station = Station(
        box, lambda what: nullcontext(), engine, FACTS, PurePosixPath("/home"), Registry("localhost:5000", "registry")
    )
    recipe = Recipe("FROM scratch\n", (), {})
    Restart().run(Work(station, recipe, "consumer", "slug", "localhost:5000/a:b", {}, lambda what: None))
    return box.seen


def test_the_daemon_is_asked_until_it_answers() -> None:
    assert restarted(("restart-it",)) == [("restart-it",), *[("docker", "version")] * 3]


def test_a_docker_that_lab_did_not_start_is_left_alone() -> None:
    with pytest.raises(CommandError) as refused:
        restarted(())
    assert "lab did not start it" in refused.value.message
