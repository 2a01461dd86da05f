"""Sentences as points of nested lists, for the page and for Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MARK = "- "
STEP = "  "  # the indent of one level


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a list, and the points below it."""

    text: str
    below: tuple[Point, ...] = ()


def level_of(line: str) -> int:
    """Return how deep a line is in a list: 0 for a sentence, one more for a hyphen and for each two spaces."""
    text = line.lstrip(" ")
    return (len(line) - len(text)) // len(STEP) + text.startswith(MARK)


def text_of(line: str) -> str:
    """Return a line without its indent and its hyphen."""
    return line.lstrip(" ").removeprefix(MARK)


def outline(lines: Sequence[str]) -> tuple[Point, ...]:
    """Return lines as points: each line that is deeper than the one before it is below that one."""
    found: list[Point] = []
    at = 0
    while at < len(lines):
        end = at + 1
        while end < len(lines) and level_of(lines[end]) > level_of(lines[at]):
            end += 1
        found.append(Point(text_of(lines[at]), outline(lines[at + 1 : end])))
        at = end
    return tuple(found)
