"""The rawjson form: BuildKit's own SolveStatus objects, with `vertexes`, `statuses`, `logs` and `warnings`.

Source: `docker build --progress=rawjson`, buildx 0.12 on (indented until 0.14, one object a line since). A vertex
comes again with every change, and is started and completed again for each thing that is done with it, which
`intervals` tells apart. Byte counts are exact here, where the other forms round them.
"""

from __future__ import annotations

import re
from typing import Any

from lab.buildkit.progress.build import Build
from lab.buildkit.progress.durations import VertexTimes
from lab.buildkit.progress.intervals import Intervals, seconds_between
from lab.buildkit.progress.ledger import LAYER, MERGING, PULLING
from lab.buildkit.progress.ledger_form import LedgerForm
from lab.buildkit.progress.names import LOAD

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# Output on one line, with the fields in the order in which BuildKit writes them.
OF = re.compile(r'\{"vertex": ?"(sha256:[0-9a-f]{64})"')
LOG = OF.pattern + r', ?"stream": ?\d, ?"data": ?"[A-Za-z0-9+/=]*", ?"timestamp": ?"[^"\\]*"\}'
OUTPUT = re.compile(rf'\{{"logs": ?\[{LOG}(?:, ?{LOG})*\]\}}')
KINDS = ("vertexes", "statuses", "logs", "warnings")


def is_status(value: dict[str, Any]) -> bool:
    """Whether a JSON object is one of BuildKit's status objects."""
    return any(isinstance(value.get(kind), list) for kind in KINDS)


class RawJson(LedgerForm):
    """One build in the rawjson form; steps that were planned and never began are in it, as unknown."""

    def __init__(self) -> None:
        super().__init__()
        self._intervals: dict[str, Intervals] = {}
        self._fetched: dict[str, float] = {}
        self._shows_inputs = False

    def says_nothing_new(self, line: str) -> bool:
        """Whether the line is output of steps that are known to print, as most lines of a long log are."""
        if not line.startswith('{"logs":') or not OUTPUT.fullmatch(line):
            return False
        known = self._ledger.vertexes
        return all((vertex := known.get(of)) is None or vertex.printed for of in OF.findall(line))

    def is_next_build(self, value: dict[str, Any]) -> bool:
        """Whether this object belongs to another build.

        Local sources have another digest in every build; an external frontend may load the Dockerfile twice, but
        before any step is known.
        """
        loads = [(digest, name) for digest, name, _ in _vertexes(value) if LOAD.match(name)]
        if not loads:
            return False
        known = self._ledger.vertexes
        names = {name.full for vertex in known.values() for name in vertex.names}
        return any(digest not in known and name in names and self._ledger.advanced() for digest, name in loads)

    def read(self, value: dict[str, Any]) -> None:
        """Take one status object of this build."""
        for digest, name, state in _vertexes(value):
            started = bool(state.get("started"))
            vertex = self._ledger.meet(digest, name, started=started)
            vertex.exact = True
            intervals = self._intervals.setdefault(digest, Intervals())
            intervals.take(state)
            self._shows_inputs = self._shows_inputs or intervals.inputs
            if started:
                self._ledger.settle(digest, *intervals.state())
        for status in _dicts(value, "statuses"):
            self._status(status)
        for log in _dicts(value, "logs"):
            if isinstance(of := log.get("vertex"), str):
                self._ledger.output(of)

    def _status(self, status: dict[str, Any]) -> None:
        text, of, current = status.get("id"), status.get("vertex"), status.get("current")
        if not isinstance(text, str) or not isinstance(of, str):
            return
        if isinstance(current, int) and DIGEST.fullmatch(text):
            text = f"{text} {current}B / {current}B"  # as the other forms have it
        self._ledger.status(of, text, current if isinstance(current, int) else None)
        if LAYER.match(text) or PULLING.match(text):
            took = seconds_between(str(status.get("started")), str(status.get("completed")))
            self._fetched[of] = max(self._fetched.get(of, 0.0), took or 0.0)
        intervals = self._intervals.get(of)
        if intervals and intervals.all and (LAYER.match(text) or MERGING.match(text)):
            intervals.note_layers(str(status.get("started")))
            self._ledger.settle(of, *intervals.state())

    def times(self) -> tuple[VertexTimes, ...]:
        """The times of all vertexes, each with its start and its end."""
        found = ((digest, spans, self._ledger.vertexes[digest].name) for digest, spans in self._intervals.items())
        return tuple(
            VertexTimes(name.full, spans.spans(), self._fetched.get(digest, 0.0)) for digest, spans, name in found
        )

    def build(self) -> Build:
        """The build as known now; objects that name no vertex's inputs do not show which has none."""
        for digest, intervals in self._intervals.items():
            vertex = self._ledger.vertexes[digest]
            vertex.inputs = intervals.inputs if self._shows_inputs else None
            vertex.keyed = self._shows_inputs and intervals.keyed
        return super().build()


def _dicts(value: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    found = value.get(kind)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _vertexes(value: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    found = []
    for vertex in _dicts(value, "vertexes"):
        digest, name = vertex.get("digest"), vertex.get("name")
        if isinstance(digest, str) and isinstance(name, str):
            found.append((digest, name, vertex))
    return found
