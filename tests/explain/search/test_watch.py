"""The time and the count of a search."""

from __future__ import annotations

import pytest

from lab.explain.search.watch import LOOK_EVERY, Looking, TimeIsUp, Tried, Watch


def test_candidates_are_counted_for_each_of_their_names() -> None:
    watch = Watch(10, None, lambda: 0.0)
    watch.count(["a", "b"])
    watch.count(["b"])
    assert watch.tried == 2 and watch.names == (Tried("a", 1), Tried("b", 2))


def test_the_limit_ends_a_search_at_the_next_look() -> None:
    now = [0.0]
    seen: list[Looking] = []
    watch = Watch(5, seen.append, lambda: now[0])
    watch.stage = "one"
    now[0] = 1.0
    for _ in range(LOOK_EVERY):
        watch.count(["x"])
    assert seen == [Looking("one", LOOK_EVERY, 1.0)]
    now[0] = 6.0
    with pytest.raises(TimeIsUp):
        watch.look()
