"""Options that many verbs share: names in words, and what is refused."""

from __future__ import annotations

import re

import click
import pytest

from lab.cli.options import builders_named, caches_named, lineup_option
from lab.errors import UsageError
from tests.conftest import ROOT


def test_names_are_taken_from_every_word_once() -> None:
    assert builders_named(("classic,buildkit", "classic")) == ("classic", "buildkit")
    assert caches_named(()) == ()


@pytest.mark.parametrize(("read", "option"), [(builders_named, "--builder"), (caches_named, "--cache")])
@pytest.mark.parametrize("word", ["", ",", ",,"])
def test_an_option_that_names_nothing_is_refused(read: object, option: str, word: str) -> None:
    with pytest.raises(UsageError, match=f"cannot use {option}: it names nothing"):
        read((word,))  # type: ignore[operator]


def test_the_help_of_lineup_names_every_lineup() -> None:
    text = option_help("lineup")
    for file in (ROOT / "boxes" / "lineups").glob("*.yaml"):
        assert re.search(rf"\b{file.stem}\b", text), file.stem


def option_help(name: str) -> str:
    @click.command()
    @lineup_option
    def verb() -> None:
        pass

    return next(str(item.help) for item in verb.params if isinstance(item, click.Option) and item.name == name)
