"""Parses a Dockerfile into the instructions and stages that its cache keys depend on."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from lab.errors import ReadError

DIRECTIVE = re.compile(r"#\s*([a-zA-Z]+)\s*=\s*(\S+)\s*")
HEREDOC = re.compile(r"<<-?\s*[\"']?[A-Za-z_]")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its keyword in capitals, its flags in written order, and the rest of its text.

    `strange` names a part that lab does not support, such as a here-document; its keys are then not known.
    """

    word: str
    rest: str
    flags: tuple[tuple[str, str], ...] = ()
    strange: str | None = None

    @property
    def text(self) -> str:
        """The instruction as BuildKit prints it."""
        return " ".join([self.word, *(f"--{name}={value}" if value else f"--{name}" for name, value in self.flags)]) + (
            f" {self.rest}" if self.rest else ""
        )


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM and its instructions; `base` is the image or stage after FROM, `name` is the name after AS or ""."""

    base: str
    name: str
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """The instructions before the first FROM (ARG), the stages in order, and the syntax directive or ""."""

    before: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    syntax: str = ""

    def stage(self, target: str | None = None) -> Stage:
        """Return the stage to build: the last one, or the one with that name or number; ReadError if it is missing."""
        if target is None:
            return self.stages[-1]
        for number, stage in enumerate(self.stages):
            if target.lower() == stage.name.lower() or target == str(number):
                return stage
        raise ReadError(f'cannot find the stage "{target}" in the Dockerfile')


def parse(text: str) -> Dockerfile:
    """Parse a Dockerfile; ReadError if it has no FROM, or a FROM that is malformed."""
    directives, lines = _directives(text)
    instructions = [instruction(line) for line in _logical_lines(lines, directives.get("escape", "\\"))]
    first = next((number for number, item in enumerate(instructions) if item.word == "FROM"), None)
    if first is None:
        raise ReadError("cannot read the Dockerfile: it has no FROM")
    stages: list[Stage] = []
    for item in instructions[first:]:
        if item.word == "FROM":
            base, name = _from(item)
            stages.append(Stage(base, name, ()))
        else:
            last = stages[-1]
            stages[-1] = Stage(last.base, last.name, (*last.instructions, item))
    return Dockerfile(tuple(instructions[:first]), tuple(stages), directives.get("syntax", ""))


def instruction(line: str) -> Instruction:
    """Parse one instruction from its logical line, such as "COPY --chown=5 a b"."""
    word, rest = [*line.split(None, 1), "", ""][:2]
    rest = rest.strip()
    flags: list[tuple[str, str]] = []
    strange = None
    while word.upper() in ("COPY", "ADD", "RUN", "FROM", "HEALTHCHECK") and rest.startswith("--"):
        flag, *more = re.split(r"\s+", rest, maxsplit=1)
        rest = more[0] if more else ""
        if flag == "--":
            break
        name, _, value = flag[2:].partition("=")
        flags.append((name, value))
        if re.search(r"[\"'\\]", value):
            strange = f"the flag --{name} contains quotes or a backslash"
    if HEREDOC.search(rest) and word.upper() in ("COPY", "ADD", "RUN"):
        strange = "it has a here-document"
    if json_words(rest, whole=False) and not json_words(rest):
        strange = "text follows its JSON list, which engines read in different ways"
    return Instruction(word.upper(), rest, tuple(flags), strange)


def json_words(text: str, *, whole: bool = True) -> list[str] | None:
    """Return the words of an instruction in its JSON form, a list of strings; None if it is not in this form.

    If `whole` is false, text may follow the list.
    """
    if not text.startswith("["):
        return None
    try:
        found, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    if whole and text[end:].strip():
        return None
    return found if isinstance(found, list) and all(isinstance(word, str) for word in found) else None


def _directives(text: str) -> tuple[dict[str, str], list[str]]:
    """Return the parser directives, which are comments at the top of the file, and the lines after them."""
    lines = text.removeprefix("\ufeff").split("\n")
    found: dict[str, str] = {}
    while lines:
        directive = DIRECTIVE.fullmatch(lines[0].strip())
        if not directive or directive[1].lower() in found:
            break
        found[directive[1].lower()] = directive[2]
        lines = lines[1:]
    return found, lines


def _logical_lines(lines: list[str], escape: str) -> list[str]:
    """Join continued lines; comments and blank lines are left out, also between continued lines."""
    mark = re.escape(escape)
    more = re.compile(rf"(?<!{mark}){mark}[ \t]*$")
    found: list[str] = []
    begun: str | None = None
    heredocs: list[str] = []
    for raw in lines:
        line = raw.removesuffix("\r")
        if heredocs:
            if line.lstrip("\t") == heredocs[0]:
                heredocs.pop(0)
            continue
        if line.lstrip().startswith("#") or not line.strip():
            continue
        line = line.lstrip() if begun is None else line
        ends = not more.search(line)
        begun = (begun or "") + more.sub("", line)
        if ends:
            found.append(begun)
            if re.match(r"(?i)(RUN|COPY|ADD)\s", begun):
                heredocs = re.findall(r"<<-?\s*[\"']?([A-Za-z_][A-Za-z0-9_]*)", begun)
            begun = None
    return [*found, begun] if begun else found


def _from(item: Instruction) -> tuple[str, str]:
    words = item.rest.split()
    if len(words) == 1:
        return words[0], ""
    if len(words) == 3 and words[1].lower() == "as":
        return words[0], words[2]
    raise ReadError(f"cannot read the Dockerfile: expected `FROM image [AS name]`, got `{item.text}`")
