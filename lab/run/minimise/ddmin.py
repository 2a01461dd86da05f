"""Delta debugging: the smallest part of a list that keeps a property, by leaving out pieces of falling size.

The algorithm is ddmin (Zeller and Hildebrandt 2002). docs/minimise.md says why no library for it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def minimal(items: Sequence[T], holds: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """Return a part of the items for which `holds` is true, and is not if any single item is left out of it.

    `holds` must be true for all items.
    """
    parts = 2
    while items:
        size = -(-len(items) // parts)
        for start in range(0, len(items), size):
            rest = [*items[:start], *items[start + size :]]
            if holds(rest):
                items, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(2 * parts, len(items))
    return items


def minimal_or_none(items: Sequence[T], holds: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """Return the same as `minimal`, but try first to leave out all items, which is often possible."""
    return [] if items and holds([]) else minimal(items, holds)
