"""Patterns in substitutions: the same results as an expression that tries every way, without its time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.buildkit.cachekeys.shell_pattern import LONGEST, replaced, without_end, without_start
from tests.fuzz.limits import call_in_time

patterns = st.text("ab?*", max_size=7)
values = st.text("ab\n", max_size=9)


def plain(pattern: str, *, greedy: bool) -> str:
    """The expression that tries every way."""
    return pattern.replace("?", ".").replace("*", ".*" if greedy else ".*?")


@given(patterns, values, st.booleans())
def test_the_start_that_is_removed(pattern: str, value: str, greedy: bool) -> None:
    found = re.match(plain(pattern, greedy=greedy), value)
    assert without_start(pattern, value, greedy=greedy) == (value[found.end() :] if found else value)


@given(patterns, values, st.booleans())
def test_the_end_that_is_removed(pattern: str, value: str, greedy: bool) -> None:
    found = re.match(plain(pattern[::-1], greedy=greedy), value[::-1])
    kept = value[: len(value) - found.end()] if found else value
    assert without_end(pattern, value, greedy=greedy) == kept


@given(patterns, values, st.booleans())
def test_what_is_replaced(pattern: str, value: str, everywhere: bool) -> None:
    expected = re.sub(plain(pattern, greedy=True), "-", value, count=0 if everywhere else 1)
    assert replaced(pattern, "-", value, everywhere=everywhere) == expected


@pytest.mark.parametrize("greedy", [True, False])
def test_many_stars_take_no_more_time(greedy: bool) -> None:
    """Every way through ten stars in 2,000 letters are more than 10 to the power of 26."""
    value = "a" * 2000
    call_in_time(lambda: without_start("*a" * 10 + "*b", value, greedy=greedy))
    call_in_time(lambda: without_end("b*" + "a*" * 10, value, greedy=greedy))
    call_in_time(lambda: replaced("*a" * 10 + "*b", "", value, everywhere=True))


def test_a_long_value_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 16384 characters"):
        replaced("*a", "", "a" * (LONGEST + 1), everywhere=False)


def test_a_malformed_escape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the escape \\x in a substitution's pattern is malformed"):
        without_start(r"a\x", "a", greedy=False)
