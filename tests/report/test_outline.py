"""Lines of sentences as points of nested lists."""

from __future__ import annotations

from lab.report.outline import Point, level_of, outline, text_of

LINES = ["A:", "- one", "  - deep", "  more.", "- two", "B"]


def test_levels_and_texts() -> None:
    assert [level_of(line) for line in LINES] == [0, 1, 2, 1, 1, 0]
    assert [text_of(line) for line in LINES] == ["A:", "one", "deep", "more.", "two", "B"]


def test_points_lie_below_the_point_before_them() -> None:
    found = outline(LINES)
    assert found == (
        Point("A:", (Point("one", (Point("deep"),)), Point("more."), Point("two"))),
        Point("B"),
    )
