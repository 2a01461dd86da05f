"""Random choices that depend on one seed alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A source of random choices; two of one seed make the same choices."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._number = 0

    def pick(self, items: Sequence[T]) -> T:
        """Return one of the items."""
        return self._random.choice(items)

    def chance(self, share: float) -> bool:
        """Return True in that share of all cases."""
        return self._random.random() < share

    def maybe(self, share: float, text: str) -> str:
        """Return the text in that share of all cases, else an empty one."""
        return text if self.chance(share) else ""

    def some(self, items: Sequence[T], share: float) -> list[T]:
        """Return each item with that probability, in the order of the items."""
        return [item for item in items if self.chance(share)]

    def weighed(self, weights: Mapping[T, int]) -> T:
        """Return one of the keys, with a probability in proportion to its weight."""
        return self._random.choices(list(weights), list(weights.values()))[0]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return the items in another order."""
        return self._random.sample(items, len(items))

    def number(self) -> int:
        """Return 1, 2, 3 .. in turn, for names that must differ."""
        self._number += 1
        return self._number
