"""Edits of a Dockerfile: each keeps all other lines as they are."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.dockerfile import parse
from lab.run.vary.dockerfiles import argument_of, later_argument, swapped_env, with_base, with_variable


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM a\nENV A=1\nENV B=2\nRUN x\n", "FROM a\nENV B=2\nENV A=1\nRUN x\n"),
        ("FROM a\nENV A=1 B=2 C=3\n", "FROM a\nENV B=2 A=1 C=3\n"),
        ("FROM a\n# c\nENV A one\n\nENV B two\n", "FROM a\n# c\nENV B two\n\nENV A one\n"),
    ],
)
def test_two_variables_change_places(before: str, after: str) -> None:
    found = swapped_env(before, parse(before))
    assert found is not None and found[0] == after


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nENV A=1\nRUN x\n",
        "FROM a\nENV A=1\nENV B=$A\n",  # the second needs the first
        "FROM a\nENV A=1\nRUN x\nENV B=2\n",
        'FROM a\nENV A="1 2" B=3\n',
        "FROM a\nENV A=1 A=2\n",
    ],
)
def test_variables_stay_where_their_order_matters_or_cannot_be_read(text: str) -> None:
    assert swapped_env(text, parse(text)) is None


def test_the_argument_of_a_stage_comes_before_one_that_names_an_image() -> None:
    text = "ARG TAG=1\nFROM a:$TAG\nARG TAG\nARG OTHER='x'\nRUN y\n"
    assert argument_of(parse(text)) == ("OTHER", "x")
    assert argument_of(parse("FROM a\nRUN y\n")) is None


def test_a_proxy_is_no_argument_of_the_axis() -> None:
    assert argument_of(parse("FROM a\nARG http_proxy\nARG V\nRUN y\n")) == ("V", "")


def test_an_argument_moves_to_the_first_instruction_that_names_it() -> None:
    text = "FROM a\nARG V=1\nRUN x\nCOPY . .\nRUN y ${V}\nRUN z\n"
    assert later_argument(text, parse(text), "V") == "FROM a\nRUN x\nCOPY . .\nARG V=1\nRUN y ${V}\nRUN z\n"


def test_an_argument_that_nothing_names_moves_to_the_end() -> None:
    text = "FROM a\nARG V=1\nRUN x\n"
    assert later_argument(text, parse(text), "V") == "FROM a\nRUN x\nARG V=1\n"


def test_an_argument_that_is_needed_at_once_stays() -> None:
    text = "FROM a\nARG V=1\nRUN x $V\n"
    assert later_argument(text, parse(text), "V") is None


def test_another_base_image_after_each_from_that_names_the_old_one() -> None:
    text = "FROM a:1 AS one\nRUN x\nFROM b\nFROM a:1\n"
    assert with_base(text, parse(text), "a:1", "c:2") == "FROM c:2 AS one\nRUN x\nFROM b\nFROM c:2\n"
    assert with_base(text, parse(text), "d", "c:2") is None


def test_a_variable_at_the_start_of_each_stage() -> None:
    text = "FROM a\nRUN x\nFROM b\nRUN y\n"
    assert with_variable(text, parse(text)) == "FROM a\nENV LAB_VARY=1\nRUN x\nFROM b\nENV LAB_VARY=1\nRUN y\n"
