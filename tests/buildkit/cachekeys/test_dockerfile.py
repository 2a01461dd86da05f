"""Dockerfiles as text: continuations, comments, flags, stages, and what is not understood."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.copying import Copy, read_copy
from lab.buildkit.cachekeys.dockerfile import MissingStageError, RejectedError, parse, until
from lab.buildkit.cachekeys.instruction import Instruction, instruction
from lab.buildkit.cachekeys.needs import lineage
from lab.errors import ReadError


def texts(dockerfile: str) -> list[str]:
    return [item.text for item in parse(dockerfile).stage().instructions]


def test_the_bug_reports_dockerfile() -> None:
    read = parse("FROM alpine\nRUN echo foo\nCOPY bar bar\nRUN echo baz\n")
    assert read.stage().base == "alpine" and read.syntax == ""
    assert texts("FROM alpine\nRUN echo foo\nCOPY bar bar\nRUN echo baz") == [
        "RUN echo foo",
        "COPY bar bar",
        "RUN echo baz",
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("run echo a \\\n  b\n", ["RUN echo a   b"]),
        ("RUN a && \\\n# a comment inside\n\n    b\nRUN c\n", ["RUN a &&     b", "RUN c"]),
        ("  \t# a comment\n\n  RUN a\r\n", ["RUN a"]),
        ("RUN a \\  \nb", ["RUN a b"]),
        ("COPY   a    b  \n", ["COPY a    b"]),
        ("COPY --chown=5 --link a b", ["COPY --chown=5 --link a b"]),
        ("RUN cat <<EOF > x\nCOPY no step\nEOF\nRUN d", ["RUN cat <<EOF > x", "RUN d"]),
    ],
)
def test_lines(body: str, expected: list[str]) -> None:
    assert texts("FROM x\n" + body) == expected


def test_directives() -> None:
    read = parse("# syntax=docker/dockerfile:1\n# escape=`\nFROM x\nRUN a `\n b\nRUN c\\\n")
    assert read.syntax == "docker/dockerfile:1"
    assert [item.text for item in read.stage().instructions] == ["RUN a  b", "RUN c\\"]
    assert parse("\n# syntax=not/first\nFROM x").syntax == ""


def test_stages() -> None:
    read = parse("ARG V=1\nFROM a AS one\nRUN 1\nFROM b as Two\nRUN 2\nFROM two\nRUN 3\n")
    assert [item.text for item in read.before] == ["ARG V=1"]
    assert read.stage("ONE").base == "a" and read.stage("1").name == "Two"
    assert [stage.base for stage in lineage(read)] == ["b", "two"]
    with pytest.raises(MissingStageError, match='cannot find the stage "four"'):
        read.stage("four")


@pytest.mark.parametrize("line", ["FROM", "FROM x y", "FROM x y z"])
def test_a_malformed_from_is_named_with_its_line(line: str) -> None:
    with pytest.raises(RejectedError) as caught:
        parse(f"# c\n{line}\nRUN a\n")
    assert caught.value.message == ("cannot read the Dockerfile: line 2: FROM requires either one or three arguments")
    assert caught.value.lines == (2, 2)


@pytest.mark.parametrize("text", ["", "RUN a", "# only a comment", "FROM a b c d", "FROM"])
def test_no_dockerfile(text: str) -> None:
    with pytest.raises(ReadError, match="cannot read the Dockerfile"):
        parse(text)


def test_flags_are_apart_from_the_rest() -> None:
    line = "COPY --from=0 --exclude=*.o --exclude=*.a a b"
    flags = (("from", "0"), ("exclude", "*.o"), ("exclude", "*.a"))
    assert instruction(line) == Instruction("COPY", "a b", flags, original=line)
    assert instruction("LABEL --x=1").flags == ()


def read(text: str) -> Copy:
    return read_copy(instruction(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("COPY a b /c/", Copy(("a", "b"), "/c/")),
        ('COPY ["a b", "c"]', Copy(("a b",), "c")),
        ('ADD --chown=1:2 --chmod=0755 ["a", "b"]', Copy(("a",), "b", add=True, chown="1:2", chmod=0o755)),
        ("COPY --from=build /a /b", Copy(("/a",), "/b", origin="build")),
        ("COPY --exclude=**/*.o --exclude=x src /", Copy(("src",), "/", exclude=("**/*.o", "x"))),
        ("COPY --link=false a b", Copy(("a",), "b")),
    ],
)
def test_copies(text: str, expected: Copy) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("COPY --parents a/b c", "this frontend does not support the flag --parents"),
        ("COPY --chmod=u+q a b", "--chmod=u+q is malformed"),
        ("COPY --chown=$USER a b", "$USER contains a variable, quotes or a backslash"),
        ("COPY $FILE b", "$FILE contains a variable, quotes or a backslash"),
        ("ADD ftp://example.org/x /x", "engines may take ftp://example.org/x for a repository or for a file"),
        ("COPY https://example.org/x /x", "COPY cannot copy from https://example.org/x"),
        ("COPY --from=$X a b", "frontends do not expand the variable in --from"),
        ("COPY --new a b", "unknown flag: new"),
        ("COPY a", "it has no source or no destination"),
    ],
)
def test_what_is_not_covered_says_so(text: str, why: str) -> None:
    assert read(text).unclear == why


def test_each_instruction_knows_its_lines() -> None:
    read = parse("# syntax=x\n\nFROM a AS b\n# c\nRUN a \\\n  # x\n  b\nRUN <<E\nx\nE\nCOPY . .")
    assert [stage.lines for stage in read.stages] == [(3, 3)]
    assert [item.lines for item in read.stages[0].instructions] == [(5, 7), (8, 10), (11, 11)]


def test_the_text_up_to_the_end_of_a_stage() -> None:
    text = "FROM a AS one\nRUN x\n\nFROM one AS two\nRUN y"
    assert until(text, "one") == "FROM a AS one\nRUN x\n\n"
    assert until(text, "two") == until(text, None) == text
    with pytest.raises(MissingStageError, match=r'cannot find the stage "ones".*did you mean "one"'):
        until(text, "ones")
