"""Boxes that answer each command as the boxes of the stored sample answered the same command in another run."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from lab.boxes.base import Box, Command, OnOutput, Result
from lab.boxes.specs import BoxSpec
from lab.boxes.transcript import exchanges
from lab.engines.engine import Engine
from lab.machines.catalog import Catalog
from lab.machines.ready import Ready
from lab.model import Exchange
from lab.registry.server import Registry
from lab.registry.serving import status
from tests.conftest import ROOT
from tests.todays_commands import listed_today

SAMPLE = ROOT / "results" / "sample"
LIKE = {"producer": "debian12-apparmor", "consumer": "debian12-selinux"}
ENGINE = "20.10.24"
STORE = Registry("localhost:9", "external")  # the discard port: nothing answers there
RUN = re.compile(r"lab-runs/[^/]+/[^/]+/[^/ ]+")
WRITTEN = re.compile(r"printf %s '[^']*'")


@cache
def answers() -> Mapping[str, Mapping[tuple[str, ...], Exchange]]:
    """The commands of each box of the sample without the parts that differ between runs, with their last results."""
    found: dict[str, dict[tuple[str, ...], Exchange]] = {}
    for item in exchanges((SAMPLE / "transcript.jsonl").read_bytes(), "the sample"):
        if listed := listed_today(item.argv, item.stdout.decode()):
            item = replace(item, argv=tuple(listed[0]), stdout=listed[1].encode())
        found.setdefault(item.box, {})[_plain(item.argv)] = item
    return found


def _plain(argv: Iterable[str]) -> tuple[str, ...]:
    words = [WRITTEN.sub("W", RUN.sub("R", word)) for word in argv]
    return tuple("I" if "/lab-" in word and ":" in word else word for word in words)


class Replaying(Box):
    """A box that answers from the sample, as its producer or its consumer does; it knows no other command.

    `seconds` is how long each build takes, and `before_build` is called before it. A push asks the registry, as the box
    reaches it, and prints the status.
    """

    def __init__(self, name: str, like: str = "consumer", seconds: float = 0.0) -> None:
        self.name = name
        self.like = LIKE[like]
        self.seconds = seconds
        self.before_build: Callable[[], None] = lambda: None

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        found = answers()[self.like].get(_plain(command.argv))
        out, err, exit = (found.stdout, found.stderr, found.exit) if found else (b"", b"", 0)
        if "build" in command.argv:
            self.before_build()
            time.sleep(self.seconds)
        if "push" in command.argv:
            out = f"{status(int(re.findall(r':([0-9]+)/', command.argv[-1])[0]), None)}\n".encode()
        if on_output and err:
            on_output("stderr", err)
        return Result(command, exit, out, err, datetime.now(UTC), self.seconds)

    def put(self, source: Path, target: object) -> None:
        """Take the file."""

    def feed(self, command: Command, chunks: Iterable[bytes]) -> Result:
        return self.execute(command)


def ready(name: str, engines: Iterable[str] = (ENGINE,), like: str = "consumer", seconds: float = 0.0) -> Ready:
    """A replaying box of this name that is up, with these engines."""
    box = Replaying(name, like, seconds)
    made = tuple(Engine(engine, ("docker",), ENGINE, ENGINE, "") for engine in engines)
    return Ready(box, spec(name), made)


def spec(name: str) -> BoxSpec:
    """The description of a box that exists already, of this name."""
    return Catalog(ROOT / "boxes").box("local").model_copy(update={"name": name, "kind": "ssh"})
