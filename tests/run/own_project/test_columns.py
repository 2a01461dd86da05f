"""The place of a fault in a Dockerfile."""

from __future__ import annotations

import pytest

from lab.run.own_project.columns import place_of

TEXT = "FROM a\n  FRM b\nCOPY a \\\n  --chwon=1 b\nENV\n\tFROM x y\nRUN x-a a\nCOPY <<E /\n"


@pytest.mark.parametrize(
    ("lines", "part", "expected"),
    [
        ((2, 2), "FRM", (2, 3)),
        ((3, 4), "--chwon", (4, 3)),
        ((3, 4), "something else", (3, 1)),
        ((5, 5), "", (5, 1)),
        ((6, 6), "", (6, 2)),
        ((6, 6), "y", (6, 9)),
        ((7, 7), "a", (7, 9)),  # a whole word, not a part of another one
        ((8, 9), "<<", (8, 6)),
        ((99, 99), "gone", (99, 1)),
    ],
)
def test_the_place_of_a_part(lines: tuple[int, int], part: str, expected: tuple[int, int]) -> None:
    assert place_of(TEXT, lines, part) == expected


def test_a_byte_order_mark_is_no_column() -> None:
    assert place_of("\ufeffFRM a\n", (1, 1), "FRM") == (1, 1)
