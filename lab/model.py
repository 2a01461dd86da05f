"""The words of the lab as frozen values, and the key of a trial."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from lab.versions import natural

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2201, 1, 1, tzinfo=UTC)  # the times of stored runs
MOST_SECONDS = 1e9  # 30 years
CONTROL = "none"  # the name of the trial in which nothing is varied


class Outcome(StrEnum):
    """What became of one build step; a step whose end was not read is `unknown`, never a hit.

    `wrong-hit`: the step hit, and its result in the image is not what its files and its definition say.
    """

    HIT = "hit"
    WRONG_HIT = "wrong-hit"
    RAN = "ran"
    ERROR = "error"
    UNKNOWN = "unknown"
    BASE = "base"

    @property
    def cached(self) -> bool:
        """True if the step was found in a cache, whether its result is right or wrong."""
        return self in (Outcome.HIT, Outcome.WRONG_HIT)


class Verdict(StrEnum):
    """How the outcomes of a trial compare with the scenario's expectation.

    `missed`: a step ran that is expected to hit. `hit unexpectedly`: a step hit that is expected to run. `wrong hit`: a
    step hit, and its result in the image is wrong. `broken`: a command failed, or an outcome is not known.
    """

    AS_EXPECTED = "as expected"
    MISSED = "missed"
    UNEXPECTED_HIT = "hit unexpectedly"
    WRONG_HIT = "wrong hit"
    BROKEN = "broken"

    @classmethod
    def _missing_(cls, value: object) -> Verdict | None:
        """The verdict for a word of a run that was stored before schema 3."""
        return {"busted": cls.MISSED, "fixed": cls.UNEXPECTED_HIT}.get(str(value))


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


def is_moment(time: datetime) -> bool:
    """True for a time that a stored run may have: one with a zone, in the years 1970 to 2200."""
    return time.utcoffset() is not None and EARLIEST <= time < LATEST


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
class TrialKey:
    """One trial by its parts: which consumer rebuilds whose image, with which engines, scenario and variation.

    `engine` is the consumer's. The printed form is `producer>consumer:engine/scenario:variation`; where the producer's
    engine differs it is `producer:engine>consumer:engine/scenario:variation`. `repeat` counts the trials of a run that
    differ in nothing else; from the second on, `#2` and so on follows. Of a part that contains `%`, `/`, `:`, `>` or
    `#`, these characters are printed as `%25`, `%2F`, `%3A`, `%3E` and `%23`, so that `parse` reads every printed key.
    """

    producer: str
    producer_engine: str
    consumer: str
    engine: str
    scenario: str
    variation: str
    repeat: int = 1

    @classmethod
    def parse(cls, text: str) -> TrialKey:
        """The key of a printed form; ValueError for any other text."""
        found = _KEY.fullmatch(text)
        if found is None:
            raise ValueError(f"expected producer>consumer:engine/scenario:variation, got {text}")
        parts = {name: _unquoted(part) for name, part in found.groupdict().items() if part is not None}
        repeat = int(parts.pop("repeat", "1"))
        return cls(**{"producer_engine": parts["engine"], **parts}, repeat=repeat)

    def __str__(self) -> str:
        return f"{self.ends}/{_quoted(self.scenario)}:{self.change}"

    @property
    def change(self) -> str:
        """The last part of the printed form: the variation, and from the second repeat on its number."""
        return _quoted(self.variation) + (f"#{self.repeat}" if self.repeat > 1 else "")

    @property
    def first(self) -> TrialKey:
        """The key of the first repeat of this trial."""
        return replace(self, repeat=1) if self.repeat > 1 else self

    @property
    def ends(self) -> str:
        """The first half of the printed form: both boxes with their engines."""
        made_by = "" if self.producer_engine == self.engine else f":{_quoted(self.producer_engine)}"
        return f"{_quoted(self.producer)}{made_by}>{_quoted(self.consumer)}:{_quoted(self.engine)}"

    def matches(self, pattern: str) -> bool:
        """True if the printed form is the pattern, or matches it as a shell's glob."""
        return str(self) == pattern or fnmatchcase(str(self), pattern)


_KEY = re.compile(
    r"(?P<producer>[^/:>#]*)(?::(?P<producer_engine>[^/:>#]*))?>"
    r"(?P<consumer>[^/:>#]*):(?P<engine>[^/:>#]*)/(?P<scenario>[^/:>#]*):(?P<variation>[^/:>#]*)"
    r"(?:#(?P<repeat>[2-9]|[1-9][0-9]{1,8}))?"
)


def _quoted(part: str) -> str:
    return re.sub("[%/:>#]", lambda found: f"%{ord(found[0]):02X}", part)


def _unquoted(part: str) -> str:
    return re.sub("%(23|25|2F|3A|3E)", lambda found: chr(int(found[1], 16)), part)


def production_phase(producer: str, engine: str, scenario: str, part: int = 0) -> str:
    """The name, in a transcript, of the build and push of one producer; `part` counts how often the run was resumed."""
    return f"{producer}:{engine}/{scenario}:produce" + (f"#{part + 1}" if part else "")


def ordering(keys: Iterable[TrialKey]) -> Callable[[TrialKey], tuple[Any, ...]]:
    """The sort key for these trials: variations as they first come, engines by version, then boxes.

    Trials in which both ends have the same engine come before the others of an engine.
    """
    seen = {name: number for number, name in enumerate(dict.fromkeys(key.variation for key in keys))}
    return lambda key: (
        seen[key.variation],
        natural(key.engine),
        key.producer_engine != key.engine,
        natural(key.producer_engine),
        key.producer,
        key.consumer,
        key.repeat,
    )


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan of a run: its name, when it started (UTC), the steps after FROM, and every trial that it makes."""

    run: str
    scenario: str
    lineup: str
    started: datetime
    steps: tuple[str, ...]
    trials: tuple[TrialKey, ...]


@dataclass(frozen=True, slots=True)
class Begun:
    """A trial has begun."""

    key: TrialKey


@dataclass(frozen=True, slots=True)
class Filled:
    """A trial was made and stored: one outcome a step (none if the build failed), bytes of context sent, seconds."""

    key: TrialKey
    outcomes: tuple[Outcome, ...]
    verdict: Verdict
    context_bytes: int | None
    seconds: float | None


RunEvent = Planned | Begun | Filled
