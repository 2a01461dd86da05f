"""Counts with their nouns, for every text that lab writes."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """The count with its noun, as in "1 trial" and "1,200 trials"; `plural` is for a noun that takes no s."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
