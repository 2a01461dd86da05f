"""The protocol of a step in a script: from its values and what was recorded of it, the lines that repeat it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from lab.report.script.host import Host
from lab.report.script.places import Place
from lab.report.script.recorded import Queue
from lab.report.script.words import Words
from lab.results.facts import BuildResult, Inspection
from lab.results.sequence import SequenceStep

NONE: Mapping[str, str] = MappingProxyType({})


@dataclass
class Side:
    """One side of a trial whose steps become lines, in order.

    `files` returns the name of a function of the script with these lines. `judged` gives the result of each build that
    the script compares, and `inspections` what the run found in the image. `variation` is that of the trial, and
    `images` has the references of the images that the side has made, by the names of their builds. `recipe` is the
    path of the Dockerfile that the script has built last, and `edited` states that the run edited its own. `places`
    are those of the run's steps in a build.
    """

    host: Host
    queue: Queue
    words: Words
    files: Callable[[list[str]], str]
    judged: Iterator[BuildResult]
    inspections: Iterator[Inspection]
    variation: str
    recipe: str = "Dockerfile"
    edited: bool = False
    places: tuple[Place, ...] = ()
    images: dict[str, str] = field(default_factory=dict)

    def writes(self) -> list[str]:
        """Lines for the commands that change the context before the next command of a client."""
        lines = self.queue.writes()
        return [self.files(lines)] if any("\n" in line for line in lines) else lines


class StepLines(Protocol):
    """One kind of step in a script."""

    @property
    def functions(self) -> Mapping[str, str]:
        """The texts of functions by a name that lines begin with; a script has those that it calls."""

    @property
    def by_hand(self) -> str | None:
        """The command that a person must give where a plain script cannot know it; None for most kinds."""

    def lines(self, step: SequenceStep, side: Side) -> list[str]:
        """The lines that repeat the step; empty if it needs none."""
