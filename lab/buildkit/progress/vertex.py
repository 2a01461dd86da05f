"""One vertex of a BuildKit build, as far as the output shows it."""

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
    """One vertex's last known state; an end with the outcome RAN means that it ended without an error, whatever it is.

    `names` are all names it was printed under, one for each target that shares it. `printed` is true if it has run a
    program that printed something.

    BuildKit starts and ends a vertex again when it fetches the layers of a result that it found, and when it puts the
    result of a linked copy together (`merging`), found or not. `fetched` is true if layers came, `pulled` if the output
    says so in any form, `merged` if the vertex was merged, `executed` if it ended as run before any of that. `found` is
    true if it was ever printed as cached, `shown` if layers stand below it on a screen that is not the last.

    Only rawjson shows more: `inputs` is false for a vertex without any, and `keyed` is true if nothing but the key of
    such a vertex was computed. `exact` is true there, since each start is told apart: the end is then the outcome.
    """

    __slots__ = (
        "announced",
        "end",
        "exact",
        "executed",
        "fetched",
        "found",
        "images",
        "inputs",
        "keyed",
        "merged",
        "names",
        "order",
        "printed",
        "pulled",
        "sent",
        "shown",
    )

    def __init__(self, name: Name) -> None:
        self.names = [name]
        self.order: int | None = None
        self.end = End()
        self.sent: int | None = None
        self.images: dict[str, str] = {}
        self.announced = Outcome.UNKNOWN
        self.inputs: bool | None = None
        self.fetched = self.pulled = self.printed = self.merged = self.executed = False
        self.found = self.shown = self.keyed = self.exact = False

    @property
    def name(self) -> Name:
        """The name it was first printed under."""
        return self.names[0]

    @property
    def outcome(self) -> Outcome:
        """The outcome as a step has it; a result whose layers are fetched is a hit, although it is printed as DONE."""
        if self.name.is_base:
            return Outcome.BASE
        if self.name.is_step and "FROM".startswith(self.name.text):
            # A terminal cut the name, or the input ends here: `CACHED [1/4] F` is no hit.
            return Outcome.UNKNOWN
        if self.contradicted:
            return Outcome.UNKNOWN
        if self.exact or self.end.outcome is not Outcome.RAN or (self.name.is_link and self.executed):
            return self.end.outcome
        if self.merged:
            return Outcome.UNKNOWN
        return Outcome.HIT if self.fetched and not self.printed else Outcome.RAN

    @property
    def runs(self) -> bool:
        """Whether it is a step that runs a program; what an ADD prints is git's output, which comes before its end."""
        return self.name.is_step and self.name.text.removeprefix("ONBUILD ").startswith("RUN")

    @property
    def contradicted(self) -> bool:
        """Whether its program printed something, and a line says CACHED."""
        return self.end.outcome is Outcome.HIT and self.runs and self.printed and not self.exact

    @property
    def settled(self) -> bool:
        """Whether its end was printed."""
        return self.end.outcome is not Outcome.UNKNOWN or bool(self.end.error)

    @property
    def canceled(self) -> bool:
        """Whether BuildKit stopped it before its end."""
        return self.end.outcome is Outcome.UNKNOWN and bool(self.end.error)

    def settle(self, end: End, *, ordered: bool) -> None:
        """Take a state in place of what was known; `ordered` if it comes before all that is printed after it."""
        self.end = end
        if end.outcome is Outcome.HIT:
            self.found = True
        elif end.outcome is Outcome.RAN:
            self.executed = self.executed or (ordered and not (self.pulled or self.merged))
        elif end.outcome is Outcome.ERROR:
            self.fetched = False  # a layer that cannot be fetched: then it has to be executed after all

    def as_step(
        self, name: Name, targets: tuple[str, ...] = (), outcome: Outcome | None = None, reason: str | None = None
    ) -> Step | None:
        """The vertex as a step of the Dockerfile under this name, or None if it is internal work."""
        if not name.is_step:
            return None
        targets = targets or ((name.target,) if name.target else ())
        outcome = self.outcome if outcome is None else outcome
        seconds = self.end.seconds
        return Step(name.place, name.index, name.total, name.text, outcome, seconds, targets, reason, self.pulled)
