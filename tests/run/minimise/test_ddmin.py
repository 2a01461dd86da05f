"""Delta debugging: what remains is needed, and nothing of it can be left out."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from lab.run.minimise.ddmin import minimal, minimal_or_none


@given(st.sets(st.integers(0, 40), max_size=6), st.integers(41, 60))
def test_exactly_what_is_needed_remains(needed: set[int], count: int) -> None:
    assert set(minimal(range(count), lambda kept: needed <= set(kept))) == needed


@given(st.lists(st.integers(0, 99), unique=True, min_size=1), st.integers(1, 300))
def test_no_single_item_can_be_left_out(items: list[int], least: int) -> None:
    def holds(kept: Sequence[int]) -> bool:
        return sum(kept) >= min(least, sum(items))

    found = minimal(items, holds)
    assert holds(found)
    assert not any(holds([*found[:at], *found[at + 1 :]]) for at in range(len(found)))


def test_everything_is_left_out_at_once_where_that_is_possible() -> None:
    asked: list[list[int]] = []

    def holds(kept: Sequence[int]) -> bool:
        asked.append(list(kept))
        return True

    assert list(minimal_or_none(range(50), holds)) == []
    assert asked == [[]]
