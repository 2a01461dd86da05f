"""What `lab repro` says before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.cli.making import _of_variations
from lab.run.wish import Wish


@pytest.mark.parametrize(
    "wish",
    [
        Wish("local", Path(), consumer_engines=("20.10.24", "26.1.5")),
        Wish("local", Path(), builders=("buildkit", "classic")),
        Wish("local", Path(), caches=("inline", "local")),
    ],
)
def test_variations_that_only_the_first_engine_makes_are_said(wish: Wish) -> None:
    assert _of_variations(wish, ["user-xattr", "mode"]) == (
        "only the first engine, builder and cache of each box makes the variations user-xattr, mode; "
        "--variation all, or `variations: [all]` in the file of a matrix, makes them with every one"
    )
    assert _of_variations(wish, []) is None


def test_nothing_is_said_of_one_engine_or_of_variations_that_the_user_names() -> None:
    assert _of_variations(Wish("local", Path(), consumer_engines=("20.10.24",)), ["mode"]) is None
    both = ("20.10.24", "26.1.5")
    assert _of_variations(Wish("local", Path(), variations=("all",), consumer_engines=both), ["mode"]) is None
