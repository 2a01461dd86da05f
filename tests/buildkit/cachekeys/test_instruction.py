"""One instruction: flags with quotes, here-documents, JSON lists with text behind them."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.frontend import Frontend
from lab.buildkit.cachekeys.instruction import Heredoc, instruction, json_words


@pytest.mark.parametrize(
    ("line", "flags", "rest"),
    [
        ("COPY --chown='5:6' a b", (("chown", "5:6"),), "a b"),
        ('RUN --mount="type=bind,target=/a b" x', (("mount", "type=bind,target=/a b"),), "x"),
        ("COPY --chown=a\\ b c d", (("chown", "a b"),), "c d"),
        ("RUN -- --x", (), "-- --x"[3:]),
        ("COPY --exclude=é a b", (("exclude", "Ã©"),), "a b"),  # engines read flags byte by byte
        ("RUN\t--network=none\tx  y", (("network", "none"),), "x  y"),
        ("ENV --a=b", (), "--a=b"),
    ],
)
def test_flags(line: str, flags: tuple[tuple[str, str], ...], rest: str) -> None:
    found = instruction(line)
    assert (found.flags, found.rest) == (flags, rest)


def test_here_documents() -> None:
    text = "FROM x\nCOPY <<A <<-'B' a /d/\none $X\nA\n\ttwo\n\tB\nRUN echo \\\n  <<E\nthree\r\nE\nRUN last\n"
    copy, run, last = parse(text).stage().instructions
    assert copy.heredocs == (
        Heredoc("A", "one $X\n"),
        Heredoc("B", "\ttwo\n", expand=False, chomp=True),
    )
    assert copy.heredocs[1].chomped == "two\n"
    assert run.heredocs == (Heredoc("E", "three\r\n"),) and last.text == "RUN last"


def test_here_documents_that_are_none() -> None:
    shift, quoted, plain = parse('FROM x\nRUN echo $((1<<2))\nRUN ["a", "<<E"]\nENV A="<<E"\n').stage().instructions
    assert shift.heredocs == quoted.heredocs == plain.heredocs == ()
    old = parse("FROM x\nRUN cat <<E\nb\nE\n", Frontend(2)).stage().instructions
    assert [item.word for item in old] == ["RUN", "B", "E"]  # a frontend that knows no here-documents
    unfinished = parse("FROM x\nRUN <<E\nb\n").stage().instructions[0]
    assert unfinished.strange == "its here-document E has no end" and unfinished.malformed == "unterminated heredoc"


def test_text_behind_a_list() -> None:
    assert json_words('["a"] b') is None and json_words('["a"] b', whole=False) == ["a"]
    assert instruction('RUN ["a"] b', frontend=Frontend(7)).rest == '["a"]'
    assert instruction('RUN ["a"] b', frontend=Frontend(19)).rest == '["a"] b'
    assert instruction('RUN ["a"] b', frontend=Frontend(13)).strange
    assert instruction("RUN [1]").strange == "its JSON list holds more than strings"
