"""One vertex of a BuildKit build, and the step it stands for."""

from __future__ import annotations

from typing import NamedTuple

from lab.buildkit.progress.build import Step
from lab.buildkit.progress.names import Name
from lab.model import Outcome


class End(NamedTuple):
    """How a vertex ended; `at` counts the ends of the build, `error` is BuildKit's text of an error or cancellation."""

    outcome: Outcome = Outcome.UNKNOWN
    seconds: float | None = None
    at: int = 0
    error: str = ""


class Vertex:
    """One vertex's last known state; the outcome RAN means that it ended without an error, whatever it is.

    `names` are all names it was printed under, one for each target that shares it. `fetched` is true if its layers
    came from a registry after it was found, `pulled` if they came at all, `printed` if it has run a program that
    printed something.
    """

    __slots__ = ("announced", "end", "fetched", "images", "names", "order", "printed", "pulled", "sent")

    def __init__(self, name: Name) -> None:
        self.names = [name]
        self.order: int | None = None
        self.end = End()
        self.sent: int | None = None
        self.images: dict[str, str] = {}
        self.announced = Outcome.UNKNOWN
        self.fetched = self.pulled = self.printed = False

    @property
    def name(self) -> Name:
        """The name it was first printed under."""
        return self.names[0]

    @property
    def outcome(self) -> Outcome:
        """The outcome as a step has it; with the containerd image store a hit whose layers are fetched is DONE."""
        if self.name.is_base:
            return Outcome.BASE
        if self.name.is_step and "FROM".startswith(self.name.text):
            # A terminal cut the name, or the input ends here: `CACHED [1/4] F` is no hit.
            return Outcome.UNKNOWN
        lazy = self.end.outcome is Outcome.RAN and self.fetched and not self.printed
        return Outcome.HIT if lazy else self.end.outcome

    @property
    def settled(self) -> bool:
        """Whether its end was printed."""
        return self.end.outcome is not Outcome.UNKNOWN or bool(self.end.error)

    @property
    def canceled(self) -> bool:
        """Whether BuildKit stopped it before its end."""
        return self.end.outcome is Outcome.UNKNOWN and bool(self.end.error)

    def as_step(self, name: Name, targets: tuple[str, ...] = (), reason: str | None = None) -> Step | None:
        """The vertex as a step of the Dockerfile under this name, or None if it is internal work."""
        if not name.is_step:
            return None
        targets = targets or ((name.target,) if name.target else ())
        outcome = Outcome.UNKNOWN if reason else self.outcome
        seconds = self.end.seconds
        return Step(name.place, name.index, name.total, name.text, outcome, seconds, targets, reason, self.pulled)
