"""A Dockerfile line by line, each line with its outcome in one trial."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.explain.explanation import Explanation, Role, StepCause
from lab.model import Outcome
from lab.report.page.text import seconds
from lab.report.prediction import contradicts
from lab.report.trials import predicted_of, steps_of
from lab.results.run import Run, Trial

ESCAPE = re.compile(r"#\s*escape\s*=\s*(\S)", re.IGNORECASE)
HERE = re.compile(r"<<-?\s*([\"']?)([A-Za-z_][A-Za-z0-9_]*)\1")
STEPPING = ("RUN", "COPY", "ADD", "WORKDIR")


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction in one trial: outcome, expectation, prediction, duration, role in the explanation."""

    instruction: str
    outcome: Outcome
    expected: Outcome | None
    predicted: Outcome | None
    seconds: str
    role: Role | None

    @property
    def odd(self) -> bool:
        """True if the outcome is not the expected one."""
        return self.expected is not None and self.outcome is not self.expected

    @property
    def refuted(self) -> bool:
        """True if the outcome contradicts a prediction; an unknown outcome contradicts nothing."""
        return self.predicted is not None and contradicts(self.predicted, self.outcome)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file; `first` where an instruction begins. A step without a line has no number."""

    number: int | None
    text: str
    word: str
    step: Step | None = None
    first: bool = True


@dataclass(slots=True)
class _Block:
    """The lines of one instruction, `text` with its continuations joined."""

    start: int
    lines: list[str]
    text: str = ""
    step: Step | None = None

    @property
    def keyword(self) -> str:
        return self.text.split(" ", 1)[0].upper()


def steps(run: Run, trial: Trial, explanation: Explanation | None) -> tuple[Step, ...]:
    """The run's steps in this trial; a step that was not read is unknown."""
    roles = _roles(explanation.steps if explanation else (), run.instructions)
    results = zip(run.instructions, steps_of(run, trial), strict=False)
    return tuple(
        Step(
            instruction=instruction,
            outcome=result.outcome,
            expected=result.expected,
            predicted=predicted_of(trial, number),
            seconds=seconds(result.seconds),
            role=roles[number],
        )
        for number, (instruction, result) in enumerate(results)
    )


def marked(dockerfile: str, found: Sequence[Step]) -> list[Line]:
    """Every line with its outcome; steps without a line come last, without a number."""
    lines_of = re.split(r"\r?\n", dockerfile)  # only these end a line of a Dockerfile, unlike for str.splitlines
    blocks = list(_blocks(lines_of if lines_of[-1] else lines_of[:-1]))
    left = _matched(blocks, found)
    lines = []
    for block in blocks:
        for offset, text in enumerate(block.lines):
            lines.append(Line(block.start + offset, text, _word(block), block.step, first=offset == 0))
    return lines + [Line(None, step.instruction, step.outcome.value, step) for step in left]


def _word(block: _Block) -> str:
    if block.step:
        return block.step.outcome.value
    if block.keyword == "FROM":
        return Outcome.BASE.value
    return Outcome.UNKNOWN.value if block.keyword in STEPPING else ""


def _matched(blocks: Sequence[_Block], found: Sequence[Step]) -> list[Step]:
    """Give each step its block, by text, then by keyword (variables change the text); returns the steps without one."""
    left = []
    for step in found:
        block = next((block for block in blocks if not block.step and block.text == _plain(step.instruction)), None)
        if block:
            block.step = step
        else:
            left.append(step)
    lost = []
    for step in left:
        keyword = step.instruction.split(" ", 1)[0].upper()
        block = next((block for block in blocks if not block.step and block.keyword == keyword), None)
        if block:
            block.step = step
        else:
            lost.append(step)
    return lost


def _blocks(lines: Sequence[str]) -> Iterator[_Block]:
    """Instructions with their continuation lines and here-documents; a comment or blank line is a block of its own."""
    escape = "\\"
    if lines and (directive := ESCAPE.match(lines[0].strip())):
        escape = directive[1]
    number = 0
    while number < len(lines):
        start = number
        parts: list[str] = []
        while number < len(lines):
            text = lines[number].strip()
            number += 1
            if text.startswith("#") or (not text and parts):
                if parts:
                    continue
                break
            parts.append(text.removesuffix(escape).rstrip() if text.endswith(escape) else text)
            if not text.endswith(escape):
                break
        for _, word in HERE.findall(" ".join(parts)):
            ends = (place for place in range(number, len(lines)) if lines[place].strip() == word)
            number = next(ends, number - 1) + 1
        yield _Block(start + 1, list(lines[start:number]), _plain(" ".join(parts)))


def _plain(text: str) -> str:
    """White space as BuildKit prints an instruction: single blanks."""
    return " ".join(text.split())


def _roles(causes: Sequence[StepCause], instructions: Sequence[str]) -> list[Role | None]:
    """The role of each instruction; equal instructions take their roles in order."""
    left = list(causes)
    roles: list[Role | None] = []
    for instruction in instructions:
        cause = next((item for item in left if item.instruction == instruction), None)
        if cause:
            left.remove(cause)
        roles.append(cause.role if cause else None)
    return roles
