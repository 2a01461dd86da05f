"""What the forms of BuildKit's output share: the ledger of one build, and the lines that end it."""

from __future__ import annotations

import re

from lab.buildkit.progress.build import Build, Step
from lab.buildkit.progress.durations import Span, VertexTimes
from lab.buildkit.progress.ledger import Ledger, first_sight

# The client's last words, and what can only come after a build.
OVER = re.compile(r"[> \t]*(?:failed to solve|executor failed running|ERROR: )")
PROMPT = re.compile(
    r"[ \t]*(?:\[?\S{0,80}(?: \S{1,80}\])?|PS \S{1,200})[$#%>] ?(?:[\w]{1,40}=\S{0,80} |sudo |time ){0,4}docker\b"
)
KEYS = re.compile(r"failed to (?:compute cache key|calculate checksum)")


class LedgerForm:
    """One build in a form of BuildKit's output, kept in a ledger."""

    def __init__(self) -> None:
        self._ledger = Ledger()

    @property
    def busy(self) -> bool:
        """Never: what a program prints is marked as such."""
        return False

    @property
    def idle(self) -> bool:
        """Whether more text that means nothing changes nothing."""
        return self._ledger.interrupted

    def other(self, line: str) -> None:
        """Take note of a line that is not of this form: a prompt, or the summary of errors that ends the build."""
        if not line or line.isspace():
            return
        self._ledger.interrupted = True
        if OVER.match(line):
            self._ledger.over = self._ledger.broken = True
        elif "docker" in line and PROMPT.match(line):
            self._ledger.over = True
        if KEYS.search(line):
            self._ledger.key_failure = True

    def news(self) -> list[Step]:
        """Steps that got an outcome since the last call."""
        return self._ledger.news()

    def build(self) -> Build:
        """The build as known now."""
        return self._ledger.build()

    def times(self) -> tuple[VertexTimes, ...]:
        """The times of all vertexes that the output names, steps or not: here the last time printed for each."""
        met = sorted(self._ledger.vertexes.values(), key=first_sight)
        return tuple(
            VertexTimes(vertex.name.full, () if vertex.end.seconds is None else (Span(vertex.end.seconds),))
            for vertex in met
        )
