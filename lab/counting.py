"""Numbers and texts: counts with their nouns, and the numbers that texts state."""

from __future__ import annotations

MOST_DIGITS = 18  # such a number fits into 64 bits; int() itself fails for more than 4,300 digits


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """The count with its noun, as in "1 trial" and "1,200 trials"; `plural` is for a noun that takes no s."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def whole_number(text: str) -> int | None:
    """The number that a text of 1 to 18 digits states; None for any other text.

    Only the digits 0 to 9 count: `str.isdigit` is also true for characters that `int` refuses, such as a raised 2.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None
