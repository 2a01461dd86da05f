"""CACHED that means skipped.

When a build fails while keys are computed (a COPY of a missing file), or a branch is canceled, BuildKit prints CACHED
for steps that it never looked up, often before the line of the error. Measured on Docker 20.10.24 and 26.1.5
(tests/data/progress, `missing` and `branches`): a genuine hit and a skipped step print the same lines. A hit is proven
where something was run on top of it, or where its layers were fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.buildkit.progress.names import EXPORT, IMPORT, Name
from lab.buildkit.progress.vertex import Vertex
from lab.model import Outcome

KEYS = (
    "the build failed while cache keys were computed, and BuildKit then prints CACHED also for steps "
    "that it never looked up"
)
CANCELED = (
    "other steps failed or were canceled before, and BuildKit then prints CACHED also for steps that it never looked up"
)
STOPPED = "BuildKit canceled the step"
NO_END = "the log does not show how the step ended"
EXECUTED = re.compile(r"executor failed running|did not complete successfully|exit code")
KEY_ERROR = re.compile(r"cache key|checksum|not found|no such file|failed to walk|forbidden path")
FROM_STAGE = re.compile(r"\bfrom=([\w.-]+)")
LINK = re.compile(r"(?:COPY|ADD) (?:--\S+ )*--link\b")


@dataclass(slots=True)
class Failure:
    """What went wrong in a build, as far as it makes CACHED doubtful."""

    keys: bool = False
    ordered: bool = True
    first: int | None = None
    """When the first step failed or was canceled: its end where ends are in order, else its first sight."""
    _ran: dict[tuple[str | None, str | None], int] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, vertexes: list[Vertex], *, ordered: bool, keys: bool) -> Failure:
        """Look for failures and for what was run in spite of them."""
        failure = cls(keys=keys, ordered=ordered)
        ended = {vertex.name.full for vertex in vertexes if vertex.end.outcome in (Outcome.RAN, Outcome.HIT)}
        for vertex in vertexes:
            failed = vertex.end.outcome is Outcome.ERROR and not _beside(vertex.name)
            if failed and not _was_run(vertex):
                failure.keys = True
            # One `COPY --link` is several vertexes, of which some are canceled in a build that goes well.
            canceled = vertex.canceled and not (LINK.match(vertex.name.text) and vertex.name.full in ended)
            if failed or canceled:
                at = vertex.end.at if ordered else vertex.order or 0
                failure.first = at if failure.first is None else min(failure.first, at)
            if vertex.end.outcome is Outcome.RAN or (failed and _was_run(vertex)):
                failure._note(vertex)
        return failure

    def _note(self, vertex: Vertex) -> None:
        """What ran on top of a step proves that the step was loaded: that of its stage, and that of a stage it uses."""
        if not vertex.name.is_step or vertex.name.is_base or vertex.outcome is Outcome.HIT:
            return
        self._used.update(FROM_STAGE.findall(vertex.name.text))
        if not LINK.match(vertex.name.text):
            for name in vertex.names:
                key = (name.target, name.place)
                self._ran[key] = max(self._ran.get(key, 0), name.index)

    def reason(self, vertex: Vertex) -> str | None:
        """Why the outcome of a step is unknown, or None if it is known."""
        outcome = vertex.outcome
        if outcome is Outcome.UNKNOWN:
            return STOPPED if vertex.canceled else NO_END
        if outcome is not Outcome.HIT or vertex.pulled or self._proven(vertex.names):
            return None
        if self.keys:
            return KEYS
        at = vertex.end.at if self.ordered else vertex.order or 0
        return CANCELED if self.first is not None and at > self.first else None

    def _proven(self, names: Iterable[Name]) -> bool:
        return any(
            self._ran.get((name.target, name.place), 0) > name.index
            or (name.place is not None and name.place.rpartition(" ")[2] in self._used)
            for name in names
        )


def _beside(name: Name) -> bool:
    """Whether the vertex is work beside the steps: a cache that cannot be read or written fails no step."""
    return bool(IMPORT.match(name.full) or EXPORT.match(name.full))


def _was_run(vertex: Vertex) -> bool:
    """Whether a step that failed was run: else it failed before, while its key was computed."""
    name = vertex.name
    if not name.is_step or name.is_base:
        return False
    if vertex.printed or EXECUTED.search(vertex.end.error):
        return True
    return name.text.removeprefix("ONBUILD ").startswith("RUN") and not KEY_ERROR.search(vertex.end.error)
