"""The column of a fault in a Dockerfile."""

from __future__ import annotations

import pytest

from lab.run.own_project.columns import with_column

TEXT = "FROM a\n  FRM b\nCOPY a \\\n  --chwon=1 b\nENV\n\tFROM x y\n"


@pytest.mark.parametrize(
    ("message", "count", "expected"),
    [
        ("line 2: FRM is no instruction", 1, "line 2, column 3: FRM is no instruction"),
        ("line 3: no flag --chwon", 2, "line 4, column 3: no flag --chwon"),
        ("line 3: something else", 2, "line 3, column 1: something else"),
        ("line 5: ENV is malformed", 1, "line 5, column 1: ENV is malformed"),
        ("line 6: expected `FROM image`, got `FROM x y`", 1, "line 6, column 2: expected `FROM image`, got `FROM x y`"),
        ("line 99: gone", 1, "line 99, column 1: gone"),
        ("it has no FROM", 1, "it has no FROM"),
    ],
)
def test_the_column(message: str, count: int, expected: str) -> None:
    assert with_column(message, TEXT, count) == expected
