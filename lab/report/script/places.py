"""Where builders print the steps of a run: the stage and the number of each of its instructions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.buildkit.cachekeys.dockerfile import Dockerfile, parse
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.state import Options
from lab.buildkit.cachekeys.step import Step
from lab.errors import LabError
from lab.explain.build_values import flag, with_flags
from lab.explain.graph import numbers_of
from lab.results.facts import Given
from lab.results.run import Run


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a step: `stage` and `number` as BuildKit prints them, `line` as the classic builder counts.

    `stage` is empty where BuildKit prints none, and where it is not known. `as_written` is false if BuildKit prints
    the instruction in other words than the run has, such as the value of a variable.
    """

    stage: str
    number: int
    line: int
    as_written: bool = True

    def word(self, *, classic: bool) -> str:
        """The place as a script names it: `4` for the classic builder; else `2`, or `build 2` in a stage."""
        return str(self.line) if classic else f"{self.stage} {self.number}".strip()


def places_of(run: Run, options: Given) -> tuple[Place, ...]:
    """The place of each step of a run in its builds with these options.

    The steps are numbered in their order if the run's instructions are not those of its Dockerfile.
    """
    try:
        parsed = parse(run.dockerfile)
        given = with_flags(Options(build_args=dict(options.arguments)), options.flags)
        steps = plan(parsed, {}, None, lambda copy: None, given, flag("target", options.flags)).steps
    except LabError:  # a stored run may come from another program
        return _in_order(run)
    numbers = [number for number in numbers_of(run.instructions, steps) if number is not None]
    if len(numbers) < len(run.instructions):
        return _in_order(run)
    lines = _lines(parsed)
    chosen = zip(run.instructions, (steps[number] for number in numbers), strict=True)
    return tuple(_place(text, step, lines) for text, step in chosen)


def _place(text: str, step: Step, lines: Sequence[int]) -> Place:
    return Place(step.stage, step.number, lines.index(step.instruction.lines[0]) + 1, step.printed == text)


def _in_order(run: Run) -> tuple[Place, ...]:
    return tuple(Place("", number, number) for number, _ in enumerate(run.instructions, 2))


def _lines(parsed: Dockerfile) -> list[int]:
    """The first line of each instruction, in their order."""
    stages = [
        line for stage in parsed.stages for line in (stage.lines[0], *(item.lines[0] for item in stage.instructions))
    ]
    return [*(item.lines[0] for item in parsed.before), *stages]
