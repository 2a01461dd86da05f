"""Tables that fit any width."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.cli.columns import columns, fill

HEADS = ["box", "engines", "lineups"]
ROWS: list[list[object]] = [["debian12-selinux", "20.10.24-unfixed 26.1.5", "debian releases"], ["local", None, ""]]


def test_a_table_that_fits_has_a_line_for_each_row() -> None:
    assert columns(ROWS, HEADS, 80).splitlines() == [
        "box               engines                  lineups",
        "debian12-selinux  20.10.24-unfixed 26.1.5  debian releases",
        "local             -",
    ]


def test_a_narrow_table_breaks_cells_between_words() -> None:
    assert [line.rstrip() for line in columns(ROWS, HEADS, 50).splitlines()] == [
        "box               engines           lineups",
        "debian12-selinux  20.10.24-unfixed  debian",
        "                  26.1.5            releases",
        "local             -",
    ]


def test_a_table_that_cannot_fit_has_a_block_for_each_row() -> None:
    assert columns(ROWS, HEADS, 30).splitlines() == [
        "debian12-selinux",
        "  engines 20.10.24-unfixed",
        "  26.1.5; lineups debian",
        "  releases",
        "local",
        "  engines -",
    ]


def test_numbers_have_no_needless_digits() -> None:
    assert columns([["a", 2.0, 0.25, 3]], ["x", "y", "z", "n"], 60).splitlines()[1].split() == ["a", "2", "0.25", "3"]


@settings(deadline=None)
@given(
    st.lists(st.lists(st.text("ab- ", min_size=1, max_size=30), min_size=3, max_size=3), min_size=1, max_size=4),
    st.integers(40, 100),
)
def test_no_line_is_too_wide_and_no_word_is_lost_or_broken(rows: list[list[str]], most: int) -> None:
    lines = columns(rows, HEADS, most).splitlines()
    assert all(len(line.rstrip()) <= most for line in lines)
    shown = sorted(word for line in lines for word in line.replace(";", " ").split())
    wanted = sorted(word for row in rows for cell in row for word in cell.split())
    assert [word for word in shown if word not in HEADS] == wanted


def test_long_words_stay_whole() -> None:
    assert fill(f"see {'x' * 50} now", 40, indent="  ", first="") == f"see\n  {'x' * 50}\n  now"


@pytest.mark.parametrize("most", [60, 61, 72, 80, 100])
def test_a_long_word_is_broken_and_no_line_is_too_wide(most: int) -> None:
    image = f"localhost:5901/base:1@sha256:{'6e084eec' * 8}"
    heads = ["stage", "step", "instruction", "outcome", "seconds"]
    text = columns([["", "1/4", f"FROM {image}", "base", 0.0], ["", "2/4", "RUN echo foo", "hit", None]], heads, most)
    lines = text.splitlines()
    assert max(map(len, lines)) <= most
    assert lines[0].split() == heads
    assert image in "".join(text.split())[len("".join(heads)) :].replace("base0", "", 1)
