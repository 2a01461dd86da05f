"""Parses a Dockerfile into the instructions and stages that its cache keys depend on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lab.buildkit.cachekeys.frontend import NEW, OLD, Frontend
from lab.buildkit.cachekeys.instruction import (
    KEYWORDS,
    Heredoc,
    Instruction,
    flags_of,
    heredocs_of,
    instruction,
    json_words,
    unknown_instruction,
)
from lab.buildkit.cachekeys.words import TRUE
from lab.counting import whole_number
from lab.errors import ReadError, UsageError, did_you_mean

DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+)")  # of a line without blanks at its ends
DIRECTIVES = ("syntax", "escape", "check")
ESCAPES = ("\\", "`")
HOLDERS = re.compile(r"(?i)(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s")
FIRST_WITH_HEREDOCS = 4


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM and its instructions; `base` is the image or stage after FROM, `name` is the name after AS or "".

    `platform` is the value of `--platform`, or "". `lines` are the first and the last line of its FROM, and `flags`
    the flags of it as they are written.
    """

    base: str
    name: str
    instructions: tuple[Instruction, ...]
    platform: str = ""
    lines: tuple[int, int] = field(default=(0, 0), compare=False)
    flags: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """The instructions before the first FROM (ARG), the stages in order, the syntax and escape directives.

    `text` is what was parsed, `checks` the value of the check directive: `skip=all;error=true`.
    """

    before: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    syntax: str = ""
    escape: str = "\\"
    text: str = ""
    checks: str = ""

    @property
    def fails_by_warnings(self) -> bool:
        """True if the check directive lets a warning of a build check fail the build."""
        found = [part.partition("=") for part in self.checks.split(";")]
        return any(key.strip() == "error" and value.strip() in TRUE for key, _, value in found)

    def stage(self, target: str | None = None) -> Stage:
        """Return the stage to build: the last one, or the one with that name or number; else MissingStageError."""
        return self.stages[self.number(target)]

    def number(self, target: str | None = None) -> int:
        """Return the number of the stage to build, as `stage` finds it."""
        if not target:
            return len(self.stages) - 1
        found = [number for number, stage in enumerate(self.stages) if target.lower() == stage.name.lower()]
        if found:
            return found[-1]
        number = whole_number(target)
        if number is not None and number < len(self.stages):
            return number
        names = [stage.name for stage in self.stages if stage.name]
        raise MissingStageError(
            f'cannot find the stage "{target}" in the Dockerfile{did_you_mean(target, names)}',
            hint=f"stages with a name: {', '.join(names) or 'none'}",
        )


class RejectedError(ReadError):
    """The Dockerfile cannot be read because frontends reject it: `why` in BuildKit's words.

    `lines` are the first and the last line of what is wrong, counted from 1, and `part` is the text in them at fault,
    empty for all of it.
    """

    def __init__(self, why: str, lines: tuple[int, int] = (1, 1), part: str = "") -> None:
        super().__init__(f"cannot read the Dockerfile: line {lines[0]}: {why}")
        self.why, self.lines, self.part = why, lines, part


class MissingStageError(UsageError, ReadError):
    """The Dockerfile has no stage of the name or number that the user gives as the target.

    It is a ReadError too, because the Dockerfile and the target of a stored run may come from another program.
    """


def parse(text: str, frontend: Frontend | None = None) -> Dockerfile:
    """Parse a Dockerfile as a frontend reads it; RejectedError if it has no FROM, or a FROM that is malformed."""
    frontend = frontend or Frontend(NEW)
    every = text.removeprefix("\ufeff").split("\n")
    directives, lines = _directives(every)
    escape = directives.get("escape", "\\")
    if escape not in ESCAPES:
        line = next(number for number, row in enumerate(every, 1) if re.match(r"\s*#\s*escape\s*=", row, re.IGNORECASE))
        raise RejectedError(f"invalid escape token '{escape}' does not match ` or \\", (line, line), escape)
    instructions = _instructions(lines, escape, frontend, len(every) - len(lines))
    first = next((number for number, item in enumerate(instructions) if item.word == "FROM"), None)
    if first is None:
        raise _without_from(instructions)
    stages: list[Stage] = []
    waiting = instructions[first:]
    starts = [place for place, item in enumerate(waiting) if item.word == "FROM"]
    for start, end in zip(starts, [*starts[1:], len(waiting)], strict=True):
        item = waiting[start]
        base, name = _from(item)
        own, platform = tuple(waiting[start + 1 : end]), dict(item.flags).get("platform", "")
        stages.append(Stage(base, name, own, platform, item.lines, flags_of(item, escape)))
    syntax, checks = directives.get("syntax", ""), directives.get("check", "")
    return Dockerfile(tuple(instructions[:first]), tuple(stages), syntax, escape, text, checks)


def _without_from(instructions: Sequence[Instruction]) -> RejectedError:
    """Why a file without FROM is rejected."""
    if not instructions:
        return RejectedError("file with no instructions")
    first = next((item for item in instructions if item.word != "ARG"), None)
    if first is None:
        # Docker 20.10.24 and 26.1.5 have no words for it: their daemons end with a panic.
        return RejectedError("it has no FROM", instructions[-1].lines)
    if first.word not in KEYWORDS:
        return RejectedError(unknown_instruction(first.word), first.lines, first.keyword)
    return RejectedError("no build stage in current context: it has no FROM", first.lines)


def _directives(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the parser directives, which are comments at the top of the file, and the lines after them."""
    found: dict[str, str] = {}
    while lines:
        directive = DIRECTIVE.fullmatch(lines[0].strip())
        if not directive or directive[1].lower() in found or directive[1].lower() not in DIRECTIVES:
            break
        found[directive[1].lower()] = directive[2]
        lines = lines[1:]
    return found, lines


def _instructions(lines: list[str], escape: str, frontend: Frontend, above: int) -> list[Instruction]:
    """Join continued lines into instructions and read the here-documents after them; `above` lines come before.

    Comments are left out, and blank lines too, also between continued lines.
    """
    mark = re.escape(escape)
    more = re.compile(rf"(^|[^{mark}]){mark}[ \t]*$")
    found: list[Instruction] = []
    begun: list[str] = []  # the lines of an instruction whose last line has not come
    first = 0
    waiting = list(reversed(lines))
    total = above + len(lines)
    while waiting:
        line = waiting.pop().rstrip("\r")
        if line.lstrip().startswith("#") or not line.strip():
            continue
        first, line = (first, line) if begun else (total - len(waiting), line.lstrip())
        ends = not more.search(line)
        begun.append(more.sub(r"\1", line))
        if ends or not waiting:
            item = _with_heredocs(instruction("".join(begun), escape, frontend), waiting, frontend)
            found.append(replace(item, lines=(first, total - len(waiting))))
            begun.clear()
    if "".join(begun):
        found.append(replace(instruction("".join(begun), escape, frontend), lines=(first, total)))
    return found


def _with_heredocs(item: Instruction, waiting: list[str], frontend: Frontend) -> Instruction:
    """Take the here-documents of an instruction from the lines that follow it, the next one last."""
    if not HOLDERS.match(item.original) or "<<" not in item.rest or json_words(item.rest) is not None:
        return item
    if frontend.number <= OLD:  # for these it is plain text
        return item
    if frontend.number < FIRST_WITH_HEREDOCS:
        return replace(item, strange=item.strange or "it is not known whether this frontend reads its here-document")
    heredocs: list[Heredoc] = []
    for heredoc in heredocs_of(item.original, frontend):
        content = ""
        while waiting:
            line = waiting.pop()
            plain = line.rstrip("\r")
            if (plain.lstrip("\t") if heredoc.chomp else plain) == heredoc.name:
                break
            content += line + "\n"
        else:
            return replace(
                item, malformed="unterminated heredoc", strange=f"its here-document {heredoc.name} has no end"
            )
        heredocs.append(replace(heredoc, content=content))
    return replace(item, heredocs=tuple(heredocs))


def _from(item: Instruction) -> tuple[str, str]:
    words = item.rest.split()
    if len(words) == 1:
        return words[0], ""
    if len(words) == 3 and words[1].lower() == "as":
        return words[0], words[2]
    raise RejectedError("FROM requires either one or three arguments", item.lines)


def until(text: str, target: str | None) -> str:
    """Return the text up to the end of the target's stage, on which nothing that follows has an effect.

    ReadError if the Dockerfile cannot be read, MissingStageError if it has no such stage.
    """
    if not target:
        return text
    parsed = parse(text)
    after = parsed.number(target) + 1
    if after == len(parsed.stages):
        return text
    return "".join(f"{line}\n" for line in text.split("\n")[: parsed.stages[after].lines[0] - 1])
