"""What the starts and ends of one vertex say together; times are those of real builds, cut to seconds."""

from __future__ import annotations

from typing import Any

import pytest

from lab.buildkit.progress.intervals import Intervals
from lab.model import Outcome

H, R, E, U = Outcome.HIT, Outcome.RAN, Outcome.ERROR, Outcome.UNKNOWN


def state(start: int, end: int | None = None, **more: Any) -> dict[str, Any]:
    times = {"started": f"2026-01-02T03:04:{start:02}Z"}
    if end is not None:
        times["completed"] = f"2026-01-02T03:04:{end:02}Z"
    return {**times, **more}


def taken(*states: dict[str, Any] | int) -> Intervals:
    """Intervals that take states in turn; a number is a second at which layers are fetched."""
    found = Intervals()
    for item in states:
        if isinstance(item, int):
            found.note_layers(f"2026-01-02T03:04:{item:02}Z")
        else:
            found.take(item)
    return found


FOUND = state(1, 1, cached=True)


@pytest.mark.parametrize(
    ("states", "outcome", "seconds"),
    [
        ([state(1)], U, None),
        ([state(1), state(1, 3)], R, 2.0),
        ([FOUND], H, 0.0),
        ([FOUND, state(2)], U, None),
        ([FOUND, state(2, 5)], R, 3.0),
        ([FOUND, state(2), 2, state(2, 5)], H, 3.0),
        ([state(1, 2), state(3), 4, state(3, 9)], R, 1.0),
        ([state(3), 4, state(3, 9)], H, 6.0),
        # Another step that is loaded marks it as found while it is executed.
        ([state(1), state(2, 2, cached=True), state(1, 4)], R, 3.0),
        # Its key was computed, and then it was loaded.
        ([state(1, 1), state(2, 3, cached=True)], H, 1.0),
        # Layers that cannot be fetched.
        ([FOUND, state(2), 2, state(2, 3, error="not found")], E, 1.0),
        ([FOUND, state(2), 2, state(2, 3, error="not found"), state(4, 6)], R, 2.0),
        ([state(1, 2, error="x: context canceled")], U, 1.0),
    ],
)
def test_what_intervals_say(states: list[dict[str, Any] | int], outcome: Outcome, seconds: float | None) -> None:
    assert taken(*states).state()[:2] == (outcome, seconds)


def test_layers_that_come_before_any_start_are_of_the_last_one() -> None:
    assert taken(state(2, 5), 0).state()[0] is H
    assert taken(state(2, 5), state(6, 7), 0).state()[0] is R


def test_what_has_no_inputs_is_started_for_its_key() -> None:
    assert taken(state(1, 1)).keyed
    assert not taken(state(1, 1), state(1, 3), state(4, 5)).keyed
    assert not taken({"inputs": ["sha256:00"]}, state(1, 1)).keyed
    assert not taken(FOUND).keyed


@pytest.mark.parametrize("when", ["soon", "", "9999-99-99", "0001-01-01T00:00:00"])
def test_times_that_cannot_be_read(when: str) -> None:
    found = taken({"started": "soon", "completed": when or "later"})
    found.note_layers(when)
    assert found.state()[0] in (H, R)
    assert found.state()[1] is None
