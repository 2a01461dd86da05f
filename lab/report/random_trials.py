"""What random trials found, as text and as JSON: counts by engine, and each contradicted prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.report.printable import line

SCHEMA = 1
PLACES = "in Dockerfiles {{base}} is the base image by digest, {{tagged}} by a tag, {{other}} an image with triggers"


@dataclass(frozen=True, slots=True)
class Count:
    """The steps of the trials in which an engine was the consumer, and how many of those trials failed to build."""

    engine: str
    trials: int
    right: int
    unknown: int
    wrong: int
    failed: int

    @property
    def share(self) -> float:
        """The share of the steps that are unknown."""
        return self.unknown / max(1, self.right + self.unknown + self.wrong)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One sort of contradicted prediction: the smallest build that shows it, and the seeds of all trials that do.

    `file` is the test data in which it is stored, and `repeat` the command that makes the first trial again.
    """

    sort: str
    seeds: tuple[int, ...]
    producer: str
    consumer: str
    change: str
    dockerfile: str
    steps: tuple[str, ...]
    file: str
    repeat: str


@dataclass(frozen=True, slots=True)
class RandomTrials:
    """All trials of one call; `reasons` are the reasons for unknown steps with their numbers."""

    seed: int
    engines: tuple[str, ...]
    counts: tuple[Count, ...]
    reasons: Mapping[str, int]
    contradictions: tuple[Contradiction, ...]
    repeat: str

    @property
    def whole(self) -> Count:
        """The counts of all engines together."""
        names = ("trials", "right", "unknown", "wrong", "failed")
        return Count("all", *(sum(getattr(count, name) for count in self.counts) for name in names))

    def to_json(self) -> dict[str, Any]:
        """The values of the JSON document."""
        return {"schema": SCHEMA, **asdict(self), "all": asdict(self.whole)}


def rows(found: RandomTrials) -> list[list[object]]:
    """The rows of the table of counts, as HEADINGS names its columns."""
    counts = [*found.counts, found.whole] if len(found.counts) > 1 else list(found.counts)
    return [
        [item.engine, item.trials, item.right, item.unknown, f"{item.share:.1%}", item.wrong, item.failed]
        for item in counts
    ]


HEADINGS = ("consumer", "trials", "steps right", "unknown", "share", "wrong", "builds failed")


def details(found: RandomTrials) -> list[str]:
    """What stands below the table: the reasons for unknown steps, and each contradiction."""
    lines = []
    if found.reasons:
        lines += ["", "unknown steps by reason:"]
        lines += [f"  {number} x {line(reason)}" for reason, number in sorted(found.reasons.items(), key=_often)]
    if found.contradictions:
        lines += ["", PLACES]
    for item in found.contradictions:
        lines += ["", *_contradiction(item)]
    return [*lines, "", f"the same trials again: {found.repeat}"]


def _often(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _contradiction(item: Contradiction) -> Sequence[str]:
    others = f" (also {', '.join(map(str, item.seeds[1:]))})" if len(item.seeds) > 1 else ""
    return [
        f"CONTRADICTED: {line(item.sort)}",
        f"  seed {item.seeds[0]}{others}; {item.producer} built, {item.consumer} rebuilt; {line(item.change)}",
        *(f"  | {line(text)}" for text in item.dockerfile.rstrip("\n").split("\n")),
        *(f"  {line(text)}" for text in item.steps),
        f"  stored in {line(item.file)}",
        f"  again: {line(item.repeat)}",
    ]
