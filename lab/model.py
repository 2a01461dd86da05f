"""The words of the lab as frozen values; this module imports nothing of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """What became of one build step; a step whose end was not read is `unknown`, never a hit."""

    HIT = "hit"
    RAN = "ran"
    ERROR = "error"
    UNKNOWN = "unknown"
    BASE = "base"


class Verdict(StrEnum):
    """What a whole trial says when its outcomes are held against the scenario's expectation."""

    AS_EXPECTED = "as expected"
    BUSTED = "busted"
    FIXED = "fixed"
    BROKEN = "broken"


class Level(StrEnum):
    """How a check of the host went."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Progress:
    """One thing that logic says while it works: `who` (a box, a recipe, an engine) is at `what`.

    `done` closes the line of `who`; `failed` closes it with a failure. The CLI alone decides how it looks.
    """

    who: str
    what: str
    done: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `lab doctor`: what was checked, its state, and the command that fixes it."""

    name: str
    level: Level
    found: str
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command that a box was sent and what came back, as a transcript keeps it.

    `about` is the trial or phase it belongs to, `cwd` a folder of the box, `started` is UTC, `seconds` its duration,
    `timeout` the seconds it was given.
    """

    box: str
    about: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str | None
    exit: int
    stdout: bytes
    stderr: bytes
    started: datetime
    seconds: float
    timeout: float = 600


@dataclass(frozen=True, slots=True)
class Cell:
    """One trial that a run is to make: who rebuilds whose image, with which engines, under which variation."""

    producer: str
    producer_engine: str
    consumer: str
    engine: str
    variation: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A run begins to work: its name, when it started (UTC), the steps after FROM, and every trial it will make."""

    run: str
    scenario: str
    lineup: str
    started: datetime
    steps: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Begun:
    """A trial has begun."""

    cell: Cell


@dataclass(frozen=True, slots=True)
class Filled:
    """A trial was made and stored: one outcome a step (none if the build failed), bytes of context sent, seconds."""

    cell: Cell
    outcomes: tuple[Outcome, ...]
    verdict: Verdict
    context_bytes: int | None
    seconds: float | None


RunEvent = Planned | Begun | Filled


CONTROL = "none"  # the name of the trial in which nothing is varied
