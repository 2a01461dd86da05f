"""Why a production or a trial failed: a message and the output of the failing program, each printed once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.report import printable
from lab.results.productions import Productions
from lab.results.run import Production, Trial

UNKNOWN = "the reason is not known"


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure: the name of what failed, the message in one line, and the lines that the program printed last."""

    name: str
    message: str
    output: tuple[str, ...] = ()


def of_production(made: Production) -> Problem:
    """The failure of a producer that pushed no image."""
    return _split(f"{made.producer} ({made.engine}) pushed no image", made.problem or UNKNOWN)


def of_trial(productions: Productions, trial: Trial) -> Problem:
    """The failure of a broken trial; where its producer failed, the producer's failure has the output."""
    made = productions.of(trial)
    if made and made.problem and trial.build is None:
        return Problem(trial.name, f"{made.producer} ({made.engine}) pushed no image")
    return _split(trial.name, trial.problem or UNKNOWN)


def problem_lines(problem: Problem, width: int) -> Iterator[str]:
    """The failure in lines of at most `width` columns; each line of the output begins with a bar."""
    yield from printable.filled(f"{problem.name}: {problem.message}", "    ", first="", width=width)
    for line in problem.output:
        yield from printable.filled(line, "  |   ", first="  | ", width=width) or ["  |"]


def _split(name: str, text: str) -> Problem:
    message, *output = printable.lines(text).strip().split("\n")
    return Problem(name, message, tuple(output))
