"""The steps of a build as a graph: which step depends on which."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from lab.buildkit.cachekeys.step import Step


def ancestors(steps: Sequence[Step], number: int) -> list[int]:
    """The numbers of all steps on which one depends, the nearest first."""
    found: list[int] = []
    waiting = list(steps[number].parents)
    while waiting:
        place = waiting.pop(0)
        if place not in found:
            found.append(place)
            waiting += steps[place].parents
    return found


def dependents(steps: Sequence[Step], running: Collection[int]) -> list[int]:
    """For each step that runs, how many others that run depend on it; 0 for the others."""
    counts = [0] * len(steps)
    for number in running:
        for place in ancestors(steps, number):
            counts[place] += place in running
    return counts


def nearest(steps: Sequence[Step], number: int, ran: Callable[[int], bool | None]) -> int | None:
    """The nearest step on which one depends and that ran; None if there is none.

    `ran` is None where that is not known of a step; then those before it are looked at. Beyond a step that did not
    run, nothing is looked at: the step depends on what the cache holds of it.
    """
    waiting = list(steps[number].parents)
    seen: set[int] = set()
    while waiting:
        place = waiting.pop(0)
        known = ran(place)
        if known:
            return place
        if known is None and place not in seen:
            waiting += steps[place].parents
        seen.add(place)
    return None


def numbers_of(instructions: Sequence[str], steps: Sequence[Step]) -> list[int | None]:
    """The number in a plan of each printed instruction, found by its text in their common order; None without one.

    An instruction that stands elsewhere in the plan takes the first step of its text that is not taken.
    """
    taken: set[int] = set()
    found: list[int | None] = []
    last = -1
    for text in instructions:
        same = [number for number, step in enumerate(steps) if number not in taken and _is_text_of(text, step)]
        number = next((number for number in same if number > last), same[0] if same else None)
        found.append(number)
        if number is not None:
            taken.add(number)
            last = number
    return found


def _is_text_of(text: str, step: Step) -> bool:
    """Whether a text is that of the Dockerfile or what BuildKit prints; the number of spaces does not count."""
    return text.split() in (step.text.split(), step.printed.split(), step.instruction.original.split())
