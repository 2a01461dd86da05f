"""Where each step of a plan stands: its number as BuildKit prints it, and its line in the Dockerfile."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lab.buildkit.cachekeys.dockerfile import Dockerfile
from lab.buildkit.cachekeys.frontend import NEW, Frontend
from lab.buildkit.cachekeys.instruction import Instruction
from lab.buildkit.cachekeys.stages import Stages
from lab.buildkit.cachekeys.state import Options
from lab.buildkit.cachekeys.step import Step

PRINTED = ("RUN", "COPY", "ADD", "WORKDIR")
_DIRECTIVE = re.compile(r"#\s*escape\s*=\s*(\S)\s*", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?\s*[\"']?([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Place:
    """A step's stage ("" in a Dockerfile of one stage), its number and the stage's total, and its line from 1.

    `line` is None for a step that another image adds (ONBUILD).
    """

    stage: str
    index: int = 0
    total: int = 0
    line: int | None = None

    def __str__(self) -> str:
        number = f"{self.index}/{self.total}" if self.total else ""
        return " ".join(part for part in (self.stage, number) if part)


def places(
    text: str,
    parsed: Dockerfile,
    steps: Sequence[Step],
    options: Options | None = None,
    target: str | None = None,
) -> list[Place]:
    """The place of each step of a plan of the target; `text` is the Dockerfile that `parsed` was read from."""
    stages = Stages(parsed, options or Options(), Frontend(NEW), target)
    lines = _lines_of(text, parsed)
    waiting: dict[str, list[tuple[Instruction, int | None]]] = {}
    totals: dict[str, int] = {}
    for number in stages.needed:
        own = [(at, item) for at, item in enumerate(parsed.stages[number].instructions) if item.word in PRINTED]
        waiting[stages.shown_name(number)] = [(item, lines.get((number, at))) for at, item in own]
        totals[stages.shown_name(number)] = len(own) + _first(stages, number)
    found = []
    for step in steps:
        listed = waiting.get(step.stage, [])
        at = _match(step, [item for item, _ in listed])
        total = totals.get(step.stage, 0)
        if at is None:
            found.append(Place(step.stage, step.number, max(total, step.number)))
            continue
        found.append(Place(step.stage, step.number, total, listed[at][1]))
        waiting[step.stage] = listed[at + 1 :]
    return found


def _first(stages: Stages, number: int) -> int:
    """How many steps FROM is: BuildKit counts it only where it names an image or a context."""
    origin = stages.origin(number)
    return int(not isinstance(origin, str) and origin.stage is None and bool(origin.image or origin.context))


def _match(step: Step, items: Sequence[Instruction]) -> int | None:
    """The number of the instruction that the step is; a step's text may have its variables expanded."""
    same = (at for at, item in enumerate(items) if item.text == step.text)
    alike = (at for at, item in enumerate(items) if item.word == step.instruction.word)
    return next(same, next(alike, None))


def _lines_of(text: str, parsed: Dockerfile) -> dict[tuple[int, int], int]:
    """The first line of each instruction by the numbers of its stage and of itself; empty if they do not correspond."""
    starts = instruction_lines(text)
    if len(starts) != len(parsed.before) + sum(1 + len(stage.instructions) for stage in parsed.stages):
        return {}
    left = iter(starts[len(parsed.before) :])
    found: dict[tuple[int, int], int] = {}
    for number, stage in enumerate(parsed.stages):
        next(left)  # FROM
        for at in range(len(stage.instructions)):
            found[number, at] = next(left)
    return found


def instruction_lines(text: str) -> list[int]:
    """The number of the line, from 1, on which each instruction of a Dockerfile begins."""
    found: list[int] = []
    heredocs: list[str] = []
    mark, begun = "\\", ""
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        line = raw.removesuffix("\r")
        if heredocs:
            if line.lstrip("\t") == heredocs[0]:
                heredocs.pop(0)
            continue
        if not found and (directive := _DIRECTIVE.fullmatch(line.strip())):
            mark = directive[1]
        if line.lstrip().startswith("#") or not line.strip():
            continue
        if not begun:
            found.append(number)
        more = re.search(rf"(?<!{re.escape(mark)}){re.escape(mark)}[ \t]*$", line)
        begun += line[: more.start()] if more else line
        if not more:
            heredocs = _HEREDOC.findall(begun) if re.match(r"(?i)\s*(RUN|COPY|ADD)\s", begun) else []
            begun = ""
        elif not begun:
            begun = " "
    return found
