"""Words as BuildKit's own frontends expand them; tests/data/cachekeys/words.json holds what they made of each."""

from __future__ import annotations

import json

import pytest

from lab.buildkit.cachekeys.frontend import Frontend
from lab.buildkit.cachekeys.words import Failing, Lexer, WordError
from tests.conftest import ROOT

VECTORS = json.loads((ROOT / "tests" / "data" / "cachekeys" / "words.json").read_text(encoding="utf-8"))
ENV = dict(item.partition("=")[::2] for item in VECTORS["env"])
FRONTENDS = {"20.10.24": Frontend(2), "26.1.5": Frontend(7), "28.5.2": Frontend(19)}


def expanded(word: str, frontend: Frontend) -> str | None:
    try:
        return Lexer(frontend=frontend).word(word, ENV)
    except WordError:
        return None


@pytest.mark.parametrize("engine", FRONTENDS)
def test_every_word(engine: str) -> None:
    """A word that holds spaces after its quotes are gone is one word all the same, as in ENV."""
    words = {word: found[engine] for word, found in VECTORS["words"].items()}
    assert {word: expanded(word, FRONTENDS[engine]) for word in words} == words
    assert sum(value is not None for value in words.values()) > 40


@pytest.mark.parametrize("engine", FRONTENDS)
def test_a_word_that_the_frontend_rejects_makes_the_build_fail(engine: str) -> None:
    rejected = [word for word, found in VECTORS["words"].items() if found[engine] is None]
    assert rejected and all(isinstance(why(word, FRONTENDS[engine]), Failing) for word in rejected)


def why(word: str, frontend: Frontend) -> str:
    with pytest.raises(WordError) as found:
        Lexer(frontend=frontend).word(word, ENV)
    return found.value.why


@pytest.mark.parametrize("word", ["${A", "$A ${B", "'$A", '"$A', "${A!b}", "${}", "${A:-${B}"])
def test_what_is_malformed_whatever_the_variables_are(word: str) -> None:
    assert Lexer().malformed(word) is not None


@pytest.mark.parametrize("word", ["$A", "${A:?needed}", "'${A'", "$"])
def test_what_the_variables_decide_is_not_malformed(word: str) -> None:
    assert Lexer().malformed(word) is None


def test_what_neighbours_read_differently_is_not_known() -> None:
    between = Frontend(5)
    assert expanded("${A-x}", between) is None and expanded("${A:-x}", between) == ENV["A"]
    with pytest.raises(WordError, match="this frontend may not support the substitution"):
        Lexer(frontend=between).word("${A#v}", ENV)


@pytest.mark.parametrize(
    ("lexer", "word", "result"),
    [
        (
            Lexer(raw_quotes=True, keep_unset=True),
            "echo \"$A\" '$A' $U ${U} ${U:-x}",
            "echo \"value\" '$A' $U ${U} ${U:-x}",
        ),
        (Lexer(no_quotes=True), 'it\'s $A "and" \\$A', 'it\'s value "and" $A'),
        (Lexer("`"), "`$A \\$A", "$A \\value"),
        (Lexer(raw_escapes=True), "\\$A \\x", "\\$A \\x"),
    ],
)
def test_ways_of_reading(lexer: Lexer, word: str, result: str) -> None:
    assert lexer.word(word, ENV) == result


def test_words_are_separated_outside_of_quotes() -> None:
    assert Lexer().words("a 'b c' \"d $A\"x  e", ENV) == ["a", "b c", "d valuex", "e"]
