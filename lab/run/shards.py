"""Shards: the parts of a matrix that several machines make, each cell in exactly one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lab.counting import counted
from lab.errors import UsageError
from lab.model import TrialKey
from lab.results.shards import ShardFacts
from lab.run.builders.table import USUAL, split
from lab.run.sums import Sums, portable
from lab.versions import natural

MOST = 10_000


@dataclass(frozen=True, slots=True)
class Shard:
    """One part of `count` parts of a matrix; `number` counts from 1."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard of a text such as 2/4; UsageError for any other text."""
        found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text, re.ASCII)
        number, count = map(int, found.groups()) if found else (0, 0)
        if not 1 <= number <= count <= MOST:
            raise UsageError(
                f"cannot use the shard {text!r}: expected I/N with I from 1 to N, and N at most {MOST}",
                hint="--shard 1/4 makes the first of four parts, --shard 4/4 the last",
            )
        return cls(number, count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def pins(keys: Iterable[TrialKey], count: int, *, by_producer: bool = False) -> dict[str, int]:
    """The number of the shard, from 1, of each box; of each engine where all cells have the same box.

    It depends on the names alone: they are sorted, and each goes to the next shard. The box is the consumer, or with
    `by_producer` the producer.
    """
    names = _names(list(keys), by_producer=by_producer)
    ordered = sorted(set(names.values()), key=natural)
    return {name: place % count + 1 for place, name in enumerate(ordered)}


def _names(keys: Sequence[TrialKey], *, by_producer: bool) -> dict[TrialKey, str]:
    """The name by which each cell is pinned to a shard."""
    ends = {key: (key.producer, key.producer_engine) if by_producer else (key.consumer, key.engine) for key in keys}
    if len({box for box, _ in ends.values()}) > 1:
        return {key: box for key, (box, _) in ends.items()}
    return {key: split(engine)[0] for key, (_, engine) in ends.items()}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of the planned trials a run makes.

    `ways` are the allowed engines and builders of the consumer, None for all. `patterns` are globs of names of trials,
    of which one must match; empty for all. `shard` is a part of what is left without the patterns, so that they move
    no trial to another shard.
    """

    shard: Shard | None = None
    patterns: tuple[str, ...] = ()
    ways: frozenset[tuple[str, str]] | None = None

    def whole(self, keys: Iterable[TrialKey]) -> list[TrialKey]:
        """The trials of all shards together."""
        return [key for key in self._allowed(keys) if self._is_asked(key)]

    def own(self, keys: Iterable[TrialKey], *, by_producer: bool = False) -> list[TrialKey]:
        """The trials of this run; empty if the shard has none."""
        allowed = self._allowed(keys)
        if self.shard:
            names = _names(allowed, by_producer=by_producer)
            numbers = pins(allowed, self.shard.count, by_producer=by_producer)
            allowed = [key for key in allowed if numbers[names[key]] == self.shard.number]
        return [key for key in allowed if self._is_asked(key)]

    def most(self, keys: Iterable[TrialKey]) -> int:
        """The largest number of shards of which each has one of these trials; the patterns do not count."""
        return len(set(_names(self._allowed(keys), by_producer=False).values()))

    def _allowed(self, keys: Iterable[TrialKey]) -> list[TrialKey]:
        return [key for key in keys if self.ways is None or _way(key) & self.ways]

    def _is_asked(self, key: TrialKey) -> bool:
        return not self.patterns or any(key.matches(pattern) for pattern in self.patterns)


def _way(key: TrialKey) -> set[tuple[str, str]]:
    """The consumer's engine with its builder; the usual builder of each client for a name without one."""
    engine, builder, _ = split(key.engine)
    return {(engine, name) for name in ([builder] if builder else USUAL.values())}


def facts_of(shard: Shard, whole: Iterable[TrialKey], sums: Sums) -> ShardFacts:
    """What a run stores of its shard: which it is, the cells of all shards, and the sums of what they are made of."""
    return ShardFacts(numbers=(shard.number,), count=shard.count, cells=tuple(map(str, whole)), sums=portable(sums))


def check_shard(choice: Choice, keys: Sequence[TrialKey], *, by_producer: bool = False) -> None:
    """Raise UsageError for a shard that has no cell of these trials."""
    every = replace(choice, patterns=())
    if choice.shard is None or every.own(keys, by_producer=by_producer):
        return
    pinned = pins(every.whole(keys), choice.shard.count, by_producer=by_producer)
    raise UsageError(
        f"cannot make the shard {choice.shard}: it has no cell, since the cells are divided by "
        f"{counted(len(pinned), 'name')}: {', '.join(pinned) or 'none'}",
        hint=f"use at most {counted(len(pinned), 'shard')}" if pinned else None,
    )
