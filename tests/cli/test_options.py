"""Options that many verbs share: names in words, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from lab.cli.main import lab
from lab.cli.options import Number, builders_named, caches_named, lineup_option
from lab.cli.values import MAY_BE_EMPTY, NamedPath, Word
from lab.errors import UsageError
from tests.cli.program import Place
from tests.conftest import ROOT


def test_names_are_taken_from_every_word_once() -> None:
    assert builders_named(("classic,buildkit", "classic")) == ("classic", "buildkit")
    assert caches_named(()) == ()


@pytest.mark.parametrize(("read", "option"), [(builders_named, "--builder"), (caches_named, "--cache")])
@pytest.mark.parametrize("word", ["", ",", ",,"])
def test_an_option_that_names_nothing_is_refused(read: object, option: str, word: str) -> None:
    with pytest.raises(UsageError, match=f"cannot use {option}: it names nothing"):
        read((word,))  # type: ignore[operator]


@pytest.mark.parametrize("word", ["nan", "-nan", "inf", "-inf", "1e18", "1e400", "-1", "1000001"])
def test_numbers_that_no_timer_takes_are_refused(word: str) -> None:
    with pytest.raises(click.BadParameter, match="is not in the range 0<=x<=1000000"):
        Number(0).convert(word, None, None)


def test_other_numbers_are_taken_and_text_is_refused() -> None:
    assert [Number(0.1).convert(word, None, None) for word in ("0.1", "15", "1e6")] == [0.1, 15.0, 1_000_000.0]
    with pytest.raises(click.BadParameter, match="'soon' is not a valid number"):
        Number(0).convert("soon", None, None)


def commands(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            assert inner is not None
            yield from commands(inner, (*words, name))


def test_every_option_with_a_number_refuses_them() -> None:
    kinds = {
        (*words, parameter.name): type(parameter.type)
        for words, command in commands(lab)
        for parameter in command.params
        if isinstance(parameter.type, click.types.FloatParamType)
    }
    assert ("why", "timeout") in kinds and set(kinds.values()) == {Number}


@pytest.mark.parametrize("word", ["nan", "inf", "1e18"])
def test_the_mistake_is_told_by_the_verb(here: Place, word: str) -> None:
    done = here.lab("why", ".", "--cache-from", "127.0.0.1:1/x", "--timeout", word)
    assert done.returncode == 2
    assert "cannot use the option --timeout: " in done.stderr and "is not in the range 0.1<=x<=1000000" in done.stderr


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


@pytest.mark.parametrize(
    "words",
    [
        ("repro", "--list", "--lineup", "local", "--resume", ""),
        ("repro", "--list", "--lineup", "local", "--context", ""),
        ("repro", "", "--list", "--lineup", "local"),
        ("merge", ""),
        ("diff", "", "."),
        ("record", ".", "--output", ""),
    ],
)
def test_an_unset_variable_of_a_script_is_refused_and_not_taken_for_the_usual_value(
    here: Place, words: tuple[str, ...]
) -> None:
    done = here.lab(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.match(r"lab: cannot use the (option|argument) .+: it is empty\nhint: ", done.stderr), done.stderr


def test_every_verb_refuses_empty_words_but_those_that_may_be_empty() -> None:
    seen = 0
    for words, command in commands(lab):
        for parameter in command.params:
            if type(parameter.type) in (click.Path, click.types.StringParamType):
                assert parameter.metavar in MAY_BE_EMPTY, (words, parameter.name)
            elif isinstance(parameter.type, Word | NamedPath):
                seen += 1
                with pytest.raises(click.BadParameter, match="it is empty"):
                    parameter.type.convert("", None, None)
    assert seen > 100
