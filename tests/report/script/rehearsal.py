"""Runs of the library's scenarios whose commands are lab's own, on a box that answers each of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import PurePosixPath

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.transcript import ReplayBox
from lab.engines.engine import Engine
from lab.model import Exchange, Outcome
from lab.registry.server import Registry
from lab.report.evidence import Evidence
from lab.results.run import Base
from lab.run.expectations import Expectation
from lab.run.scenarios import Scenario, load_scenario
from lab.run.sequence import produce, rebuild
from lab.run.station import Station
from lab.run.steps.table import stored
from tests import reporting
from tests.conftest import ROOT

LIBRARY = ROOT / "templates" / "scenarios"
BASE = "localhost:5000/lab-base@sha256:" + "0" * 64


class Willing(ReplayBox):
    """A box on which every command succeeds, and which keeps all of them as a run does."""

    def __init__(self) -> None:
        super().__init__("local", [])
        self.about = ""
        self.now = 0  # seconds
        self.exchanges: list[Exchange] = []

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        out = b"4711\n"  # the id of a container, or the number of a process
        if command.argv[0] == "date":
            self.now += 10_000 * 24 * 3600  # the clock is ahead each time it is read
            out = f"{self.now}\n".encode()
        cwd = str(command.cwd) if command.cwd else None
        env = dict(command.env or {})
        now = datetime.now(UTC)
        self.exchanges.append(Exchange("local", self.about, tuple(command.argv), env, cwd, 0, out, b"", now, 0.1))
        return Result(command, 0, out, b"", now, 0.1)

    @contextmanager
    def during(self, about: str) -> Iterator[None]:
        before, self.about = self.about, about
        yield
        self.about = before


def scenario(name: str) -> Scenario:
    """A scenario of the library."""
    return load_scenario(LIBRARY / name, BASE)


def names() -> list[str]:
    """The names of the library's scenarios."""
    return sorted(path.parent.name for path in LIBRARY.glob("*/scenario.yaml"))


def rehearsed(made: Scenario, builder: str = "buildkit") -> Evidence:
    """A run of every variation, in which nothing could be read from the builds."""
    program = "buildctl" if builder in ("buildctl", "buildx-remote") else "docker"
    box = Willing()
    plugins = PurePosixPath("/e/plugins")
    engine = Engine(
        "e", (program, "--addr", "unix:///e.sock") if program == "buildctl" else (program,), "26.1.5", "26.1.5", "",
        builder=builder, program=program, plugins=plugins, buildx="0.13", restart=("restart",),
    )  # fmt: skip
    facts = reporting.facts("local", "e", builder=builder, server="26.1.5")
    home, registry = PurePosixPath("/home/u/lab-runs/r/e"), Registry("localhost:5000", "docker-registry", 5000)
    station = Station(box, box.during, engine, facts, home, registry)
    production = produce(station, made, f"localhost:5000/lab-{made.name}-local:e", lambda what: None)
    assert production.problem is None
    plan = Expectation(tuple(map(Outcome, made.steps)))
    trials = [rebuild(station, made, production, plan, item, lambda what: None) for item in made.variations(("all",))]
    run = reporting.run(
        *trials,
        steps=made.instructions,
        scenario=made.name,
        base=Base(reference=BASE, source="busybox"),
        boxes=(facts,),
        productions=(production,),
        sequence=stored(made.sequence),
        dockerfile=made.dockerfile,
    )
    return Evidence(run, {}, tuple(box.exchanges))
