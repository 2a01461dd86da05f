"""Counts agree with their nouns."""

from __future__ import annotations

import pytest

from lab.counting import counted


@pytest.mark.parametrize(
    ("count", "nouns", "text"),
    [
        (0, ("trial",), "0 trials"),
        (1, ("trial",), "1 trial"),
        (2, ("box", "boxes"), "2 boxes"),
        (1, ("box", "boxes"), "1 box"),
        (1200, ("object",), "1,200 objects"),
    ],
)
def test_a_noun_follows_its_count(count: int, nouns: tuple[str, ...], text: str) -> None:
    assert counted(count, *nouns) == text
