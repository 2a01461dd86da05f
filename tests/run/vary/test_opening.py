"""The engine of a run: the one named, else the first one of the box."""

from __future__ import annotations

from lab.run.vary.opening import chosen
from tests.run.vary.test_engines import ONE, OTHER, ready


def test_the_engine_that_is_named_or_the_first() -> None:
    assert chosen(ready(OTHER), "28.5.2") is OTHER
    assert chosen(ready(OTHER), None) is ONE
