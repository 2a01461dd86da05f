"""The instructions before a step: those of its stage and of the stages below it, with what makes no step."""

from __future__ import annotations

import pytest

from lab.explain.plans import changed_lines, lines_before

TEXT = "FROM a AS one\nENV X=1\nRUN first\nFROM one\nLABEL l=1\nCOPY . .\nENV Y=2\nWORKDIR /w\nRUN last\n"


@pytest.mark.parametrize(
    ("number", "lines"),
    [
        (0, ["ENV X=1", "RUN first"]),
        (1, ["ENV X=1", "RUN first", "LABEL l=1", "COPY . ."]),
        (2, ["ENV X=1", "RUN first", "LABEL l=1", "COPY . .", "ENV Y=2", "WORKDIR /w"]),
        (3, ["ENV X=1", "RUN first", "LABEL l=1", "COPY . .", "ENV Y=2", "WORKDIR /w", "RUN last"]),
    ],
)
def test_lines_before_a_step(number: int, lines: list[str]) -> None:
    found = lines_before(TEXT, number)
    assert [line for line in found if not line.startswith("FROM")] == lines


def test_a_dockerfile_that_cannot_be_read_has_no_lines() -> None:
    assert lines_before("RUN x\n", 0) == []


def test_lines_of_one_side_alone() -> None:
    assert changed_lines(["a", "b", "c"], ["a", "x", "c", "d"]) == (["b"], ["x", "d"])
    assert changed_lines(["a"], ["a"]) == ([], [])
