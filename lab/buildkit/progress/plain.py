"""The plain form: `#5 [2/4] RUN echo foo`, `#5 0.109 foo`, `#5 DONE 0.1s`.

Source: `docker build --progress=plain`, and every build whose stderr is no terminal; Docker 18.09 to 29. Numbers
are in order of first sight and lines come in any order, so all is kept by number and the last state wins (but for
layers that are fetched after CACHED: `Vertex.fetched`). Every line that a RUN prints is behind its number and a time
(`#7 0.079 #5 CACHED`): it cannot pass for a state.

Docker 18.09 and BuildKit up to 0.4 have no `CACHED` and no `DONE`: they print the fields of a vertex whenever they
change, right-aligned: `#5    completed: 2019-03-22 19:46:01.54 +0000 UTC`, `#5     duration: 39.481µs`,
`#5       cached: true`, `#5        error: "executor failed running ..."`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.buildkit.progress.ledger import VERTEX, LedgerForm
from lab.model import Outcome

# Pasted output may be indented or quoted.
LINE = re.compile(r"[ \t>]*#(\d{1,9}) (.*)")
END = re.compile(r"(CACHED|DONE|CANCELED|ERROR)(?: (\d+(?:\.\d+)?)s| *$|: )")
LOG = re.compile(r"\d+\.\d+ ")
FIELD = re.compile(r" +(digest|name|started|completed|duration|cached|error): ?(.*)")
BUILDING = "building with "
OUTCOMES = {"CACHED": Outcome.HIT, "DONE": Outcome.RAN, "ERROR": Outcome.ERROR, "CANCELED": Outcome.UNKNOWN}


# How Go prints a duration: `1h2m3.5s`, `14.432052ms`, `66.818µs` (U+00B5), `80ns`.
DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|µs|us|ns)")
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}


@dataclass(slots=True)
class _Fields:
    """What the fields of a vertex say; a field holds until it is printed again."""

    completed: bool = False
    cached: bool = False
    error: str = ""
    seconds: float | None = None

    def take(self, name: str, value: str) -> None:
        if name in ("started", "completed"):
            self.completed = name == "completed"
        elif name == "duration":
            self.seconds = round(sum(float(count) * SECONDS[unit] for count, unit in DURATION.findall(value)), 3)
        elif name == "cached":
            self.cached = value == "true"
        elif name == "error":
            self.error = value.strip('"')

    def outcome(self) -> Outcome:
        if not self.completed or self.error.endswith("context canceled"):
            return Outcome.UNKNOWN
        if self.error:
            return Outcome.ERROR
        return Outcome.HIT if self.cached else Outcome.RAN


class Plain(LedgerForm):
    """One build in the plain form."""

    def __init__(self) -> None:
        super().__init__()
        self._fields: dict[int, _Fields] = {}

    @staticmethod
    def matches(line: str) -> bool:
        """Whether the line has the shape of plain progress at all."""
        return LINE.match(line) is not None

    @staticmethod
    def opens(line: str) -> bool:
        """Whether a build may begin with this line: only a header names a vertex."""
        found = LINE.match(line)
        return found is not None and bool(VERTEX.match(found[2]) or _building(found))

    def is_next_build(self, line: str) -> bool:
        """Whether this line belongs to another build than those before it.

        The numbers start again: `#0 building with` comes again, a number gets another name, or a build's first
        vertex comes again after its steps.
        """
        found = LINE.match(line)
        if found is None:
            return False
        if _building(found):
            return bool(self._ledger.vertexes)
        number, name = int(found[1]), found[2].rstrip()
        if not VERTEX.match(name):
            return False
        known = self._ledger.vertexes.get(number)
        # Input that ends within a header which is printed again leaves a beginning of the known name.
        if known and not known.name.startswith(name):
            return True
        return self._ledger.restarts(number, name)

    def read(self, line: str) -> None:
        """Take one line of this build."""
        found = LINE.match(line)
        if found is None:
            return
        number, text = int(found[1]), found[2].rstrip()
        if VERTEX.match(text):
            self._ledger.meet(number, text)
        elif end := END.match(text):
            canceled = text.endswith("context canceled")
            outcome = Outcome.UNKNOWN if canceled else OUTCOMES[end[1]]
            self._ledger.settle(number, outcome, float(end[2]) if end[2] else None)
        elif field := FIELD.match(text):
            fields = self._fields.setdefault(number, _Fields())
            fields.take(field[1], field[2])
            self._ledger.settle(number, fields.outcome(), fields.seconds if fields.completed else None)
        elif LOG.match(text):
            self._ledger.output(number)
        else:
            self._ledger.status(number, text)


def _building(found: re.Match[str]) -> bool:
    return found[1] == "0" and found[2].startswith(BUILDING)
