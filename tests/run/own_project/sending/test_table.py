"""The ways by name; each says what it keeps, and an unknown one is refused with the nearest."""

from __future__ import annotations

import pytest

from lab.errors import UsageError
from lab.run.own_project.sending.table import WAYS, way_of


def test_each_way_says_what_it_keeps() -> None:
    ways = list(WAYS.values())
    assert all(way.summary.startswith(f"{name}: ") for name, way in zip(WAYS, ways, strict=True))
    assert [name for name, way in WAYS.items() if way.exact] == ["exact"]


def test_an_unknown_way() -> None:
    with pytest.raises(UsageError, match=r'cannot send a context by "rsnc" \(did you mean "rsync"'):
        way_of("rsnc")
