"""What the instructions of a random Dockerfile know of it while it is drawn: its context, and the stages so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.run.random_trials.case import Stage
from lab.run.random_trials.contexts import Drawn
from lab.run.random_trials.dice import Dice


@dataclass
class Draft:
    """A stage while it is drawn.

    `name` is the word by which a later stage names it. `made` are paths that exist in it beside those of its base.
    `users` states that it has a user database, `writable` that a RUN may write, `runs` that it has a shell.
    """

    name: str
    start: str
    lines: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    users: bool = False
    writable: bool = True
    runs: bool = True

    @property
    def stage(self) -> Stage:
        """The finished stage."""
        return Stage(start=self.start, lines=tuple(self.lines))


@dataclass(frozen=True)
class Scene:
    """The Dockerfile so far; `modern` allows what engines since Docker 23 read and older ones do not."""

    dice: Dice
    modern: bool
    context: Drawn
    stages: list[Draft] = field(default_factory=list)

    @property
    def sources(self) -> list[Draft]:
        """The earlier stages whose files a COPY or a mount can take."""
        return [stage for stage in self.stages if stage.made]
