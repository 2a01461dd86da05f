"""Finds the smallest sets of differences that miss a Dockerfile, by lab's model of what BuildKit hashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.buildkit.contenthash.entry import Entry
from lab.run.minimise.ddmin import minimal
from lab.run.vary.between.pieces import Piece, applied

MOST = 5  # independent causes that are looked for

Flips = Callable[[Sequence[Entry]], bool]


@dataclass(frozen=True, slots=True)
class Found:
    """What a bisection found: all differences, the smallest sets that miss, and how often it was tried.

    `rest` are the differences that do not miss without these sets; empty if more causes are left than were looked for.
    """

    every: tuple[Piece, ...]
    causes: tuple[tuple[Piece, ...], ...]
    rest: tuple[Piece, ...]
    tries: int
    more: bool = False


def bisect(objects: Sequence[Entry], every: Sequence[Piece], flips: Flips, most: int = MOST) -> Found:
    """Return the smallest sets of differences that flip the outcome, one after another.

    `flips` is asked about the objects of the first side with some of the differences; half of them are tried at a time.
    After a single difference is found, all others of its sort are left out with it.
    """
    tries = 0

    def holds(chosen: Sequence[Piece]) -> bool:
        nonlocal tries
        tries += 1
        return flips(applied(objects, chosen))

    left = list(every)
    causes: list[tuple[Piece, ...]] = []
    while len(causes) < most and holds(left):
        cause = tuple(minimal(left, holds))
        causes.append(cause)
        alike = {piece.sort for piece in cause} if len(cause) == 1 else set()
        left = [piece for piece in left if piece not in cause and piece.sort not in alike]
    more = holds(left)
    return Found(tuple(every), tuple(causes), () if more else tuple(left), tries, more)
