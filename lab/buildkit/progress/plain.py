"""The plain form: `#5 [2/4] RUN echo foo`, `#5 0.109 foo`, `#5 DONE 0.1s`.

Source: `docker build --progress=plain`, and every build whose stderr is no terminal; Docker 18.09 to 29. Numbers
are in order of first sight and lines come in any order, so all is kept by number and the last state wins (but for
layers that are fetched after CACHED: `Vertex.fetched`). Every line that a RUN prints is behind its number and a time
(`#7 0.079 #5 CACHED`): it cannot be taken for a state.

Docker 18.09 and BuildKit up to 0.4 have no `CACHED` and no `DONE`: `fields` reads what they print instead.
"""

from __future__ import annotations

import re

from lab.buildkit.progress.build import Build
from lab.buildkit.progress.durations import Durations, VertexTimes
from lab.buildkit.progress.fields import FIELD, Fields
from lab.buildkit.progress.ledger_form import LedgerForm
from lab.buildkit.progress.names import LOAD, URL, VERTEX, parse
from lab.buildkit.progress.tangle import Tangle
from lab.model import Outcome

# Pasted output may be indented or quoted.
LINE = re.compile(r"[ \t>]*#(\d{1,9}) (.*)", re.DOTALL)
END = re.compile(r"(CACHED|DONE|CANCELED|ERROR)(?: (\d{1,9}(?:\.\d+)?)s| *$|: )")
LOG = re.compile(r"\d+\.\d+ ")
# A client before Docker 23 begins no new line after output that ends without one.
JOINED = re.compile(r"\S#(\d{1,9}) DONE (\d{1,9}(?:\.\d+)?)s\s*$")
LONGEST_END = 40  # characters of such an end
BUILDING = "building with "
OUTCOMES = {"CACHED": Outcome.HIT, "DONE": Outcome.RAN, "ERROR": Outcome.ERROR, "CANCELED": Outcome.UNKNOWN}


def joined_end(text: str) -> re.Match[str] | None:
    """The number and the seconds of a step that ends behind output in the same line."""
    end = text[-LONGEST_END:]
    return JOINED.search(end) if " DONE " in end else None


class Plain(LedgerForm):
    """One build in the plain form, or several that are printed at once (`Tangle`)."""

    def __init__(self) -> None:
        super().__init__()
        self._ledger.numbered = True
        self._fields: dict[int, Fields] = {}
        self._tangle = Tangle()
        self._durations = Durations()
        self._last: tuple[int, str] | None = None
        self.logging: set[int] = set()
        """Numbers of steps whose program is known to print: another line of it says nothing new."""

    @staticmethod
    def matches(text: str) -> bool:
        """Whether the line has the shape of plain progress at all."""
        return LINE.match(text) is not None

    @staticmethod
    def opens(text: str) -> bool:
        """Whether a build may begin with this line: only a header names a vertex."""
        found = LINE.match(text)
        return found is not None and bool(VERTEX.match(found[2]) or _building(found))

    def is_next_build(self, text: str, raw: str) -> bool:
        """Whether this line belongs to another build than those before it.

        The numbers start again: `#0 building with` comes again, or a build's first vertex comes again after its
        steps. A header after the end of a build, which a prompt or an error shows, belongs to another one as well.
        So does a number that gets another name, but only if that build begins with this line or other text stands
        between: else two builds are printed at once.
        """
        found = LINE.match(text)
        if found is None or self._tangle.found:
            return False
        if _building(found):
            return bool(self._ledger.vertexes)
        number, name = int(found[1]), found[2].rstrip()
        if not VERTEX.match(name):
            return False
        if self._ledger.ended():
            return True
        if not self._renames(number, name):
            return self._ledger.restarts(number, name)
        begins = number <= 1 or LOAD.match(name) is not None
        return self._ledger.interrupted or (begins and self._ledger.advanced())

    def _renames(self, number: int, name: str) -> bool:
        """Whether the number belongs to another vertex; input that ends within a header leaves a beginning of it."""
        known = self._ledger.vertexes.get(number)
        if known is None or known.name.full.startswith(name):
            return False
        return not any(parse(name).same_work(other) for other in known.names)

    def conflicts(self, text: str) -> bool:
        """Whether the line is a header that this build cannot print now."""
        found = LINE.match(text)
        if found is None or not VERTEX.match(found[2]):
            return False
        number, name = int(found[1]), found[2].rstrip()
        return self._last == (number, name) or self._renames(number, name)

    def read(self, text: str, raw: str) -> None:
        """Take one line of this build."""
        found = LINE.match(text)
        if found is None:
            return
        number, rest = int(found[1]), found[2].rstrip()
        if LOG.match(rest):
            self.logging.add(number)
            self._ledger.output(number)
            self._last = None
            joined = joined_end(rest)
            if joined and int(joined[1]) == number:  # the program has printed, so the step ran; a later end counts more
                self._settle(number, Outcome.RAN, float(joined[2]), "")
        elif VERTEX.match(rest) or _building(found) or (number not in self._ledger.vertexes and URL.match(rest)):
            self._header(number, rest)
        elif end := END.match(rest):
            self._end(number, rest, end)
        elif field := FIELD.match(rest):
            fields = self._fields.setdefault(number, Fields())
            fields.take(field[1], field[2])
            self._settle(number, fields.outcome(), fields.seconds if fields.completed else None, fields.error)
        else:
            self._ledger.status(number, rest)
            self._durations.status(number, rest)
            self._last = None

    def _header(self, number: int, name: str) -> None:
        if self._last == (number, name) or self._renames(number, name):
            self._tangle.found = True
        self._last = (number, name)
        self._durations.meet(number, name)
        if number or not name.startswith(BUILDING):
            self._ledger.meet(number, name)
            self._tangle.name(number, name)

    def _end(self, number: int, text: str, end: re.Match[str]) -> None:
        # A layer that cannot be fetched is an error right after CACHED, and the step may then run after all.
        if self._last == (number, "") and end[1] != "ERROR":
            self._tangle.found = True
        self._last = None if end[1] == "ERROR" else (number, "")
        canceled = end[1] == "CANCELED" or text.endswith("context canceled")
        outcome = Outcome.UNKNOWN if canceled else OUTCOMES[end[1]]
        error = text.removeprefix("ERROR: ") if outcome in (Outcome.ERROR, Outcome.UNKNOWN) else ""
        self._settle(number, outcome, float(end[2]) if end[2] else None, error)
        self.logging.discard(number)

    def _settle(self, number: int, outcome: Outcome, seconds: float | None, error: str) -> None:
        self._ledger.settle(number, outcome, seconds, error)
        self._durations.end(number, seconds)
        self._tangle.end(number, outcome)

    @property
    def idle(self) -> bool:
        """Whether more text that means nothing changes nothing."""
        return self._last is None and super().idle

    def other(self, line: str) -> None:
        """Take note of a line that is not of this form."""
        self._last = None
        super().other(line)

    def is_stray(self, text: str) -> bool:
        """Whether the line is of a vertex that this build never named, and does not name it."""
        found = LINE.match(text)
        if found is None or VERTEX.match(found[2]) or int(found[1]) == 0:
            return False
        return int(found[1]) not in self._ledger.vertexes

    def awaits(self, text: str) -> bool:
        """Whether the line is of a vertex of this build whose end is still to come."""
        found = LINE.match(text)
        known = self._ledger.vertexes.get(int(found[1])) if found else None
        return known is not None and known.end.outcome is Outcome.UNKNOWN and not known.end.error

    def absorb(self, before: Plain) -> None:
        """Take the lines of the build before as printed at the same time as those of this one."""
        self._tangle.absorb(before._tangle)

    def times(self) -> tuple[VertexTimes, ...]:
        """The times of all vertexes; none of builds that are printed at once, whose lines nothing tells apart."""
        return () if self._tangle.found else self._durations.all()

    def build(self) -> Build:
        """The build as known now."""
        build = super().build()
        if not self._tangle.found:
            return build
        steps = tuple(self._tangle.steps(build.steps))
        # What was sent and made is of one of the builds, and nothing says of which.
        return Build(build.builder, steps, imports=build.imports, warnings=(self._tangle.warning,))


def _building(found: re.Match[str]) -> bool:
    return found[1] == "0" and found[2].startswith(BUILDING)
