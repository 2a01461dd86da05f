"""The protocol of a step: what it does on its side of a trial, and what it needs from the steps before it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from lab.errors import did_you_mean
from lab.run.steps.work import ABSENT, Side, Work
from lab.yamlfile import Strict


@dataclass
class Known:
    """What the steps before one have made, by side: the names of builds, and of images in the registry or in files."""

    count: int  # instructions that are judged
    built: dict[Side, set[str]] = field(default_factory=lambda: {"producer": set(), "consumer": set()})
    pushed: set[str] = field(default_factory=set)
    saved: dict[Side, set[str]] = field(default_factory=lambda: {"producer": set(), "consumer": set()})

    def need_built(self, name: str, side: Side) -> None:
        """Raise ValueError unless this side has made a build of that name."""
        if name not in self.built[side]:
            near = did_you_mean(name, sorted(self.built[side]))
            raise ValueError(f'no build "{name}" of the {side} is before it{near}{_listing(self.built[side])}')

    def need_source(self, name: str, side: Side) -> None:
        """Raise ValueError unless an image of that name was pushed, or is on this side."""
        there = {*self.pushed, *self.built[side], ABSENT}
        if name not in there:
            near = did_you_mean(name, sorted(there))
            raise ValueError(f'no image "{name}" was pushed before it{near}{_listing(there - {ABSENT})}')


class Step(Strict):
    """One step; `side` is the side that makes it. `client` is the only client that can make it, if there is one.

    A step that `begins_with_files` asks the engine for nothing before it calls `Work.emptied` itself, or never.
    """

    client: ClassVar[str | None] = None
    begins_with_files: ClassVar[bool] = False
    side: Side = "consumer"

    def check(self, known: Known) -> None:
        """Raise ValueError if the steps before this one do not give what it needs; add what it makes to `known`."""

    @abstractmethod
    def run(self, work: Work) -> None:
        """Make the step; CommandError or BoxError if it fails."""


def _listing(names: set[str]) -> str:
    return f"; there are: {', '.join(sorted(names))}" if names else ""
