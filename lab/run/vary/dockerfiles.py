"""Edits of a Dockerfile that axes and remedies make, by the lines of its instructions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lab.buildkit.cachekeys.dockerfile import Dockerfile
from lab.buildkit.cachekeys.instruction import Instruction

Span = tuple[int, int]
PAIR = re.compile(r"[A-Za-z_]\w*=[\w./:@+-]*")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")  # an axis of their own
AFTER_FROM = "ENV LAB_VARY=1"


def with_lines(text: str, changed: Mapping[Span, str]) -> str:
    """Return the text with other lines in place of spans of lines, which are counted from 1; "" removes them."""
    lines = text.split("\n")
    for (first, last), line in sorted(changed.items(), reverse=True):
        lines[first - 1 : last] = [line] if line else []
    return "\n".join(lines)


def lines_of(text: str, span: Span) -> str:
    """Return the lines of an instruction as they are written."""
    return "\n".join(text.split("\n")[span[0] - 1 : span[1]])


def swapped_env(text: str, parsed: Dockerfile) -> tuple[str, str] | None:
    """Return the text with two variables in the other order, and what was swapped; None where there are none."""
    for stage in parsed.stages:
        for number, item in enumerate(stage.instructions):
            if item.word != "ENV":
                continue
            if inner := _swapped_within(item):
                return with_lines(text, {item.lines: inner[0]}), inner[1]
            after = stage.instructions[number + 1] if number + 1 < len(stage.instructions) else None
            if after and after.word == "ENV" and "$" not in after.rest and _name(item) != _name(after):
                one, other = lines_of(text, item.lines), lines_of(text, after.lines)
                swapped = with_lines(text, {item.lines: other, after.lines: one})
                return swapped, f"{item.text} after {after.text}"
    return None


def _swapped_within(item: Instruction) -> tuple[str, str] | None:
    words = item.rest.split()
    if len(words) < 2 or not all(map(PAIR.fullmatch, words)):
        return None
    first, second, *rest = words
    if first.partition("=")[0] == second.partition("=")[0]:
        return None
    line = " ".join(["ENV", second, first, *rest])
    return line, f"{line} in place of {item.text}"


def _name(item: Instruction) -> str:
    return re.split(r"[=\s]", item.rest, maxsplit=1)[0]


def argument_of(parsed: Dockerfile) -> tuple[str, str] | None:
    """Return the first build argument that a stage declares, with its default or ""; None without one.

    An argument that stands before FROM too may name an image, so it comes last.
    """
    before = {_name(item) for item in parsed.before if item.word == "ARG"}
    found = [
        (_name(item), item.rest.partition("=")[2].strip("\"'"))
        for stage in parsed.stages
        for item in stage.instructions
        if item.word == "ARG"
    ]
    found = [pair for pair in found if pair[0].upper() not in PROXIES]
    return next((pair for pair in found if pair[0] not in before), found[0] if found else None)


def with_base(text: str, parsed: Dockerfile, old: str, new: str) -> str | None:
    """Return the text in which stages begin with another image; None if no FROM names the old one as it is."""
    changed = {}
    for stage in parsed.stages:
        line = lines_of(text, stage.lines)
        if stage.base == old:
            changed[stage.lines] = line.replace(old, new, 1)
    return with_lines(text, changed) if changed else None


def with_variable(text: str, parsed: Dockerfile) -> str:
    """Return the text with a variable at the start of each stage, which changes the key of every RUN."""
    changed = {stage.lines: f"{lines_of(text, stage.lines)}\n{AFTER_FROM}" for stage in parsed.stages}
    return with_lines(text, changed)


def later_argument(text: str, parsed: Dockerfile, name: str) -> str | None:
    """Return the text in which a stage declares an argument directly before the first instruction that names it.

    None if there is nothing to move: the next instruction names it.
    """
    use = re.compile(rf"\$\{{?{re.escape(name)}\b")
    for stage in parsed.stages:
        places = [at for at, item in enumerate(stage.instructions) if item.word == "ARG" and _name(item) == name]
        if not places:
            continue
        rest = stage.instructions[places[0] + 1 :]
        user = next(
            (item for item in rest if use.search(item.original) or any(use.search(h.content) for h in item.heredocs)),
            None,
        )
        declared = stage.instructions[places[0]]
        between = rest if user is None else rest[: rest.index(user)]
        if not any(item.word in ("RUN", "COPY", "ADD", "WORKDIR") for item in between):
            continue
        line = lines_of(text, declared.lines)
        last = user or rest[-1]
        moved = {
            declared.lines: "",
            last.lines: f"{line}\n{lines_of(text, last.lines)}" if user else f"{lines_of(text, last.lines)}\n{line}",
        }
        return with_lines(text, moved)
    return None
