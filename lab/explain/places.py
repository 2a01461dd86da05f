"""Where each step of a plan stands: its number as BuildKit prints it, and its line in the Dockerfile."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.buildkit.cachekeys.dockerfile import Dockerfile, Instruction
from lab.buildkit.cachekeys.plan import Step, needed, parent_of, stage_name

PRINTED = ("RUN", "COPY", "ADD", "WORKDIR")
_DIRECTIVE = re.compile(r"#\s*escape\s*=\s*(\S)\s*", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?\s*[\"']?([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Place:
    """A step's stage ("" in a Dockerfile of one stage), its number and the stage's total, and its line from 1.

    `index` and `total` are 0 and `line` is None for a step that another image adds (ONBUILD).
    """

    stage: str
    index: int = 0
    total: int = 0
    line: int | None = None

    def __str__(self) -> str:
        number = f"{self.index}/{self.total}" if self.total else ""
        return " ".join(part for part in (self.stage, number) if part)


def places(text: str, parsed: Dockerfile, steps: Sequence[Step], target: str | None = None) -> list[Place]:
    """The place of each step of a plan of the target; `text` is the Dockerfile that `parsed` was read from."""
    waiting: dict[str, list[tuple[Instruction, Place]]] = {}
    lines = _lines_of(text, parsed)
    for number in needed(parsed, target):
        name = stage_name(parsed, number)
        waiting[name] = list(_places_of_stage(parsed, number, name, lines))
    found = []
    for step in steps:
        listed = waiting.get(step.stage, [])
        at = _match(step, [item for item, _ in listed])
        found.append(Place(step.stage) if at is None else listed[at][1])
        if at is not None:
            waiting[step.stage] = listed[at + 1 :]
    return found


def _places_of_stage(
    parsed: Dockerfile, number: int, name: str, lines: dict[tuple[int, int], int]
) -> Iterator[tuple[Instruction, Place]]:
    """The places of one stage. BuildKit counts FROM as a step only where it names an image."""
    stage = parsed.stages[number]
    own = [(at, item) for at, item in enumerate(stage.instructions) if item.word in PRINTED]
    first = int(parent_of(parsed, number) is None and stage.base.lower() != "scratch")
    for index, (at, item) in enumerate(own, first + 1):
        yield item, Place(name, index, len(own) + first, lines.get((number, at)))


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
