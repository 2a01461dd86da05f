"""Bisects differences on an engine, where it does not do what lab's model predicts: real rebuilds of half of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lab.run.minimise.ddmin import minimal
from lab.run.vary.between.pieces import Piece

MOST_CAUSES = 5
LIMIT = 60  # rebuilds

Misses = Callable[[Sequence[Piece]], bool]


class _SpentError(Exception):
    """As many rebuilds were made as may be."""


@dataclass
class EngineBisection:
    """The smallest sets of differences that miss on an engine, one after another.

    `misses` rebuilds with some of the differences; a rebuild without an outcome does not count as a miss. `causes` are
    the sets that were found, each of which the engine has missed with. `spent` states that the limit ended the search:
    the last set may then not be the smallest. `rest` are the differences that are in no set and of no set's sort.
    """

    misses: Misses
    limit: int = LIMIT
    most: int = MOST_CAUSES
    tries: int = 0
    causes: list[tuple[Piece, ...]] = field(default_factory=list)
    rest: tuple[Piece, ...] = ()
    spent: bool = False

    def run(self, left: Sequence[Piece], *, known: bool = False) -> None:
        """Find the sets; `known` states that the engine is known to miss with all of these differences."""
        while left and len(self.causes) < self.most and (known or self._tried(left)):
            smallest = self._smallest(left)
            self.causes.append(smallest)
            alike = {piece.sort for piece in smallest} if len(smallest) == 1 else set()
            left = [piece for piece in left if piece not in smallest and piece.sort not in alike]
            known = False
            if self.spent:
                break
        self.rest = tuple(left)

    def _smallest(self, left: Sequence[Piece]) -> tuple[Piece, ...]:
        """The smallest part that misses, or the last one that did when the limit was reached."""
        best = tuple(left)

        def holds(chosen: Sequence[Piece]) -> bool:
            nonlocal best
            if self.tries >= self.limit:
                raise _SpentError
            if not self._tried(chosen):
                return False
            best = tuple(chosen)
            return True

        try:
            return tuple(minimal(left, holds))
        except _SpentError:
            self.spent = True
            return best

    def _tried(self, chosen: Sequence[Piece]) -> bool:
        if not chosen:
            return False  # the control has shown that the engine hits without a difference
        if self.tries >= self.limit:
            self.spent = True
            return False
        self.tries += 1
        return self.misses(chosen)
