"""The key of a trial: its printed form reads back, whatever the names are, and puts trials in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.model import TrialKey, Verdict, ordering

PARTS = st.text(st.characters(exclude_categories=())) | st.text("%/:>#25AFE3")
KEYS = st.builds(TrialKey, PARTS, PARTS, PARTS, PARTS, PARTS, PARTS, st.integers(1, 1000))


@given(KEYS)
def test_the_printed_form_reads_back(key: TrialKey) -> None:
    assert TrialKey.parse(str(key)) == key


@given(KEYS, PARTS)
def test_two_keys_never_print_alike(key: TrialKey, part: str) -> None:
    other = TrialKey(key.consumer, key.engine, key.producer, part, key.variation, key.scenario)
    assert (str(key) == str(other)) == (key == other)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (
            TrialKey("ubuntu", "19.03.8", "centos", "19.03.8", "copy-bust", "none"),
            "ubuntu>centos:19.03.8/copy-bust:none",
        ),
        (TrialKey("a", "e1", "b", "e2", "s", "v"), "a:e1>b:e2/s:v"),
        (TrialKey("a>b", "e", "c/d", "e", "50%", "x:y"), "a%3Eb>c%2Fd:e/50%25:x%3Ay"),
        (TrialKey("a", "e", "b", "e", "s", "v", 12), "a>b:e/s:v#12"),
        (TrialKey("a", "e", "b", "e", "s", "v#2"), "a>b:e/s:v%232"),
    ],
)
def test_the_printed_form(key: TrialKey, text: str) -> None:
    assert str(key) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a>b",
        "a>b:e/s",
        "a>b/s:v",
        "a>b:e/s:v:w",
        "a>b>c:e/s:v",
        "a>b:e/s/t:v",
        "a>b:e/s:v#1",
        "a>b:e/s:v#02",
        "a>b:e/s:v#",
    ],
)
def test_another_text_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="expected producer>consumer:engine/scenario:variation"):
        TrialKey.parse(text)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("a>b:20.10.24/s:none", True),
        ("*>b:*", True),
        ("*:20.10.*/s:none", True),
        ("*>a:*", False),
        ("a>b:20.10.24", False),
        ("A>b:20.10.24/s:none", False),
    ],
)
def test_a_key_matches_its_printed_form_and_globs(pattern: str, found: bool) -> None:
    assert TrialKey("a", "20.10.24", "b", "20.10.24", "s", "none").matches(pattern) is found


def test_a_name_that_looks_like_a_glob_matches_itself() -> None:
    key = TrialKey("[host-1]", "e", "[host-2]", "e", "s", "none")
    assert key.matches("[host-1]>[host-2]:e/s:none")


def test_trials_are_ordered_by_variation_as_made_then_by_version() -> None:
    wanted = [
        TrialKey("a", "19.03.8", "b", "19.03.8", "s", "none"),
        TrialKey("b", "19.03.8", "a", "19.03.8", "s", "none"),
        TrialKey("a", "19.03.13", "b", "19.03.8", "s", "none"),
        TrialKey("a", "19.03.13", "b", "19.03.13", "s", "none"),
        TrialKey("a", "19.03.8", "b", "19.03.13", "s", "none"),
        TrialKey("a", "19.03.8", "b", "19.03.8", "s", "mtime"),
    ]
    made = [wanted[0], wanted[5], *wanted[4:0:-1]]
    assert sorted(made, key=ordering(made)) == wanted


@pytest.mark.parametrize(
    ("word", "verdict"),
    [("busted", Verdict.MISSED), ("fixed", Verdict.UNEXPECTED_HIT), ("missed", Verdict.MISSED)],
)
def test_a_stored_word_of_an_older_version_is_read(word: str, verdict: Verdict) -> None:
    assert Verdict(word) is verdict


def test_any_other_word_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="Busted"):
        Verdict("Busted")
