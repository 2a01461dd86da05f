"""CACHED that means skipped.

When a build fails while keys are computed (a COPY of a missing file), or a branch is canceled, BuildKit prints CACHED
for steps that it never looked up, often before the line of the error. Measured on Docker 20.10.24 and 26.1.5
(tests/data/progress, `missing` and `branches`): a genuine hit and a skipped step print the same lines. A hit is proven
where something was run on top of it, or where its layers were fetched. Else the log has to show that the build ended:
what fails later has printed nothing yet, and a result whose layers turn out to be missing is executed after CACHED.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
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
NO_BUILD_END = (
    "the log does not show how the build ended, and BuildKit prints CACHED also for steps that it skips once the build "
    "fails, or executes later"
)
NO_END = "the log does not show how the step ended"
CONTRADICTED = "a line says CACHED, although the step's program printed something: it ran here, or in another build"
MERGED = (
    "the builder put the layers of this linked copy together, as it does both after it copied the files and after it "
    "found them in its cache; of all forms of output, only --progress=rawjson shows which it was"
)
NOT_LAST = (
    "the step is not shown as CACHED, either because its layers were fetched or because it was executed, and the last "
    "screen of the build, which shows which, is missing or cut"
)
EXECUTED = re.compile(r"executor failed running|did not complete successfully|exit code")
KEY_ERROR = re.compile(r"cache key|checksum|not found|no such file|failed to walk|forbidden path")
FROM_STAGE = re.compile(r"\bfrom=([\w.-]+)")


@dataclass(slots=True)
class Failure:
    """What went wrong in a build, as far as it makes CACHED doubtful, and what its output leaves open.

    `partial` is true if the output is a screen that is not the last one of its build, or not the whole of it; `tail` is
    then the vertex of the last line. `cut` are the vertexes of which the output does not show the end of their build.
    """

    keys: bool = False
    ordered: bool = True
    partial: bool = False
    tail: Vertex | None = None
    cut: Set[Vertex] = frozenset()
    first: int | None = None
    """When the first step failed or was canceled: its end where ends are in order, else its first sight."""
    _ran: dict[tuple[str | None, str | None], int] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)

    @property
    def met(self) -> bool:
        """Whether anything failed or was canceled."""
        return self.keys or self.first is not None

    def look_at(self, vertexes: Iterable[Vertex], downloads: Set[Vertex]) -> None:
        """Look for failures and for what was run in spite of them; `downloads` stand on no step."""
        vertexes = list(vertexes)
        ended = {vertex.name.full for vertex in vertexes if vertex.end.outcome in (Outcome.RAN, Outcome.HIT)}
        for vertex in vertexes:
            failed = vertex.end.outcome is Outcome.ERROR and not _beside(vertex.name)
            run = vertex not in downloads and was_run(vertex)
            if failed and not run:
                self.keys = True
            # One `COPY --link` is several vertexes, of which some are canceled in a build that goes well.
            canceled = vertex.canceled and not (vertex.name.is_link and vertex.name.full in ended)
            if failed or canceled:
                at = vertex.end.at if self.ordered else vertex.order or 0
                self.first = at if self.first is None else min(self.first, at)
            running = vertex.printed and not vertex.settled and was_run(vertex)
            ran = vertex.end.outcome is Outcome.RAN and not self._may_change(vertex)
            if vertex not in downloads and (ran or (failed and run) or running):
                self._note(vertex, running=running)

    def _note(self, vertex: Vertex, *, running: bool) -> None:
        """What ran on top of a step proves that the step was loaded: that of its stage, and that of a stage it uses."""
        if not vertex.name.is_step or vertex.name.is_base:
            return
        if vertex.outcome in (Outcome.HIT, Outcome.UNKNOWN) and not running:
            return
        self._used.update(FROM_STAGE.findall(vertex.name.text))
        if not vertex.name.is_link:
            for name in vertex.names:
                # bake leaves the target out before `COPY --link`
                for key in ((name.target, name.place), (None, name.place)):
                    self._ran[key] = max(self._ran.get(key, 0), name.index)

    def reason(self, vertex: Vertex) -> str | None:
        """Why the outcome of a step is unknown, or None if it is known."""
        outcome = vertex.outcome
        if outcome is Outcome.UNKNOWN:
            if vertex.merged and vertex.end.outcome is Outcome.RAN:
                return MERGED
            if vertex.contradicted:
                return CONTRADICTED
            return STOPPED if vertex.canceled else NO_END
        if outcome is Outcome.RAN and self._may_change(vertex):
            return NOT_LAST
        if outcome is not Outcome.HIT or vertex.pulled or self._proven(vertex.names):
            return None
        if self.keys:
            return KEYS
        if not self.met and vertex in self.cut:
            return NO_BUILD_END
        at = vertex.end.at if self.ordered else vertex.order or 0
        return CANCELED if self.first is not None and at > self.first else None

    def _may_change(self, vertex: Vertex) -> bool:
        """Whether a row that looks like a step that ran may be a hit whose layers are shown later."""
        return self.partial and (vertex.found or vertex.shown or vertex is self.tail)

    def _proven(self, names: Iterable[Name]) -> bool:
        return any(
            self._ran.get((name.target, name.place), 0) > name.index
            or (name.place is not None and name.place.rpartition(" ")[2] in self._used)
            for name in names
        )


def _beside(name: Name) -> bool:
    """Whether the vertex is work beside the steps: a cache that cannot be read or written fails no step."""
    return bool(IMPORT.match(name.full) or EXPORT.match(name.full))


def was_run(vertex: Vertex) -> bool:
    """Whether a step that failed was run: else it failed before, while its key was computed.

    A step that was found fails before it is run if its layers cannot be fetched.
    """
    if not vertex.runs:
        return False
    if vertex.printed or EXECUTED.search(vertex.end.error):
        return True
    return not vertex.found and not KEY_ERROR.search(vertex.end.error)
