"""The pieces of a random build that can be left out one by one, so that a smaller build remains."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lab.run.random_trials.case import Case, Stage

T = TypeVar("T")
NAMED = re.compile(r" (?:AS|as) \S+$")


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece: its kind, and where it stands.

    A `start` is the FROM of a stage, a `name` its name, a `word` one of an instruction's words after the first.
    """

    kind: str
    place: tuple[int | str, ...]


def pieces_of(case: Case) -> list[Piece]:
    """Return the lines, files, changes and options of a build; later ones first, because others build on the first."""
    found = [Piece("change", (number,)) for number in range(len(case.change))]
    for at in reversed(range(len(case.stages))):
        found += [Piece("line", (at, number)) for number in reversed(range(len(case.stages[at].lines)))]
        found.append(Piece("start", (at,)))
        found += [Piece("name", (at,))] if NAMED.search(case.stages[at].start) else []
    found += [Piece("before", (number,)) for number in range(len(case.before))]
    found += [Piece("prepare", (number,)) for number in range(len(case.prepare))]
    found += [Piece("file", (name,)) for name in case.files]
    found += [Piece("argument", (name,)) for name in case.arguments]
    return found + [Piece("flag", (number,)) for number in range(len(case.flags))]


def words_of(case: Case) -> list[Piece]:
    """Return the words of all instructions, except the first of each; heredocs stay whole."""
    lines = [(at, number, line) for at, stage in enumerate(case.stages) for number, line in enumerate(stage.lines)]
    return [
        Piece("word", (at, number, word))
        for at, number, line in lines
        if "\n" not in line
        for word in range(1, len(line.split(" ")))
    ]


def only(case: Case, kept: Collection[Piece], every: Collection[Piece]) -> Case | None:
    """Return the build with those pieces of `every` that are kept; None if it has no FROM before an instruction.

    The instructions of a stage without its FROM belong to the stage before.
    """
    gone = set(every) - set(kept)
    stages: list[Stage] = []
    for at, stage in enumerate(case.stages):
        lines = tuple(_lines(stage, at, gone))
        if Piece("start", (at,)) not in gone:
            start = NAMED.sub("", stage.start) if Piece("name", (at,)) in gone else stage.start
            stages.append(Stage(start=start, lines=lines))
        elif stages:
            stages[-1] = Stage(start=stages[-1].start, lines=(*stages[-1].lines, *lines))
        elif lines:
            return None
    if not stages:
        return None
    return case.model_copy(
        update={
            "before": _at("before", case.before, gone),
            "stages": tuple(stages),
            "files": _named("file", case.files, gone),
            "prepare": _at("prepare", case.prepare, gone),
            "arguments": _named("argument", case.arguments, gone),
            "flags": _at("flag", case.flags, gone),
            "change": _at("change", case.change, gone),
        }
    )


def _at(kind: str, items: Sequence[T], gone: Collection[Piece]) -> tuple[T, ...]:
    return tuple(item for at, item in enumerate(items) if Piece(kind, (at,)) not in gone)


def _named(kind: str, items: Mapping[str, str], gone: Collection[Piece]) -> dict[str, str]:
    return {name: text for name, text in items.items() if Piece(kind, (name,)) not in gone}


def _lines(stage: Stage, at: int, gone: Collection[Piece]) -> Iterator[str]:
    for number, line in enumerate(stage.lines):
        if Piece("line", (at, number)) in gone:
            continue
        words = line.split(" ")
        yield " ".join(word for place, word in enumerate(words) if Piece("word", (at, number, place)) not in gone)
