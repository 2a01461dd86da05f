"""Expressions of many wildcards: the same answers as Python's own expressions give, in one pass over the path."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.buildkit.contenthash.automaton import Automaton
from lab.buildkit.contenthash.patterns import Pattern
from lab.errors import ContextError
from tests.fuzz.limits import call_in_time

GAP = "(.*/)?"
PARTS = ("a", "b", "/", "[^/]*", "[^/]", "[a-b]*", GAP, ".*", r"\.")


def pieces_of(parts: list[str]) -> list[str]:
    """The parts as the translation of a pattern gives them."""
    found: list[str] = []
    for part in parts:
        if part == GAP:
            found += ["(", ".", "*", "/", ")", "?"]
        elif part.endswith("*"):
            found += [part[:-1], "*"]
        else:
            found.append(part)
    return found


@given(st.lists(st.sampled_from(PARTS), max_size=7), st.text("ab/.\n", max_size=8))
def test_it_matches_what_the_expression_matches(parts: list[str], text: str) -> None:
    assert Automaton(pieces_of(parts)).matches(text) == (re.fullmatch("".join(parts), text) is not None)


@pytest.mark.parametrize("pieces", [["a", "|", "b"], ["a", "{2}"], ["(", "a", ")"], ["(?:^)"], [r"\Z"], ["*"]])
def test_other_parts_are_refused(pieces: list[str]) -> None:
    with pytest.raises(ValueError, match="stands in it"):
        Automaton(pieces)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a*a*a*a*a*a*a*b", "aaaaaaab"),
        ("**/a/**/a/**/a/**/a/**/a/**/b", "a/a/x/a/a/a/b"),
        ("a**a**a**a**a**b", "aa/aaa/y/b"),
    ],
)
def test_many_wildcards_take_one_pass(pattern: str, path: str) -> None:
    """A backtracking search needs more steps than 10 to the power of 12 for these."""
    found = Pattern(pattern)
    call_in_time(lambda: [found.matches(other) for other in ("a" * 250, "/".join("a" * 1000))])
    assert found.matches(path)
    assert not found.matches("a" * 250)


def test_many_wildcards_are_refused_where_go_has_more_than_one_pass_over_characters() -> None:
    with pytest.raises(ContextError, match=r"lab does not support more than 2 wildcards where \| stands in it"):
        Pattern("*a*|*b").matches("x")
    with pytest.raises(ContextError, match=r"\{2\} stands in it"):
        Pattern("*a{2}*b*").matches("x")
