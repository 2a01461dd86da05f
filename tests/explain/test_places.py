"""Where steps stand: the numbers that BuildKit printed, and the lines of Dockerfiles of any form."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.plan import plan
from lab.explain.places import Place, instruction_lines, places
from tests.explain.builds import DOCKERFILE, outcomes, question


def of(text: str, target: str | None = None) -> list[str]:
    parsed = dockerfiles.parse(text)
    steps = plan(parsed, {}, None, lambda copy: None, target=target).steps
    return [f"{place} line {place.line}" for place in places(text, parsed, steps, target=target)]


def test_the_numbers_are_those_that_buildkit_printed() -> None:
    asked = question("max", "none")
    found = places(DOCKERFILE, asked.parsed, asked.plan.steps)
    assert sorted(map(str, found)) == sorted(outcomes("produced"))


def test_lines_are_counted_through_comments_continuations_and_blank_lines() -> None:
    text = (
        "# syntax of nothing\n\nARG A=1\nFROM base AS one\n# comment\nRUN a && \\\n  # within\n\n  b\n"
        "ENV X=1\nCOPY x \\\n  y\n\nFROM scratch\nCOPY --from=one /y /y\r\nworkdir /z\n"
    )
    assert instruction_lines(text) == [3, 4, 6, 10, 11, 14, 15, 16]
    # FROM an image is number 1, FROM scratch and FROM a stage have no number
    assert of(text) == ["one 2/3 line 6", "one 3/3 line 11", "stage-1 1/2 line 15", "stage-1 2/2 line 16"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("FROM a\nRUN <<E\nRUN not this\nE\nRUN this\n", [1, 2, 5]),
        ("FROM a\nCOPY <<A <<-B /x/\nFROM\nA\n\tRUN\n\tB\nRUN this\n", [1, 2, 7]),
        ("# escape=`\nFROM a\nRUN one `\n two\nRUN c:\\\nRUN three\n", [2, 3, 5, 6]),
        ("FROM a\nRUN one \\\n\\\n two\nRUN three", [1, 2, 5]),
        ("\ufeffFROM a\r\nRUN one\r\n", [1, 2]),
        ("", []),
    ],
)
def test_heredocs_and_escapes(text: str, lines: list[int]) -> None:
    assert instruction_lines(text) == lines


def test_a_stage_based_on_a_stage_and_a_target() -> None:
    text = "FROM a AS one\nRUN 1\nFROM one AS two\nRUN 2\nRUN 3\nFROM two\nRUN 4\n"
    assert of(text, "two") == ["one 2/2 line 2", "two 1/2 line 4", "two 2/2 line 5"]


def test_one_stage_has_no_name() -> None:
    assert of("FROM a\nRUN 1\n") == ["2/2 line 2"]
    assert str(Place("builder")) == "builder"
