"""Several plain builds printed at the same time, with nothing before their lines that tells them apart.

`make -j2`, or two `docker build &`. A number then stands for one vertex of each build. How it ended is known where
it ended alike in all of them, and unknown where it did not.

Builds of one Dockerfile give each number the same name. What a vertex does only once in a build then shows that there
are several: the client sends a context, an export ends, a step ends after it ran. BuildKit starts a vertex again to
fetch layers of a result, to merge a linked copy, to execute what it found without layers, and once it has computed the
key of a first step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.buildkit.progress.build import Step
from lab.buildkit.progress.names import EXPORT, parse
from lab.buildkit.progress.vertex import Vertex
from lab.model import Outcome

WARNING = (
    "several builds are printed at the same time, and nothing before their lines tells them apart; a step is unknown "
    "where its outcome depends on which build printed a line"
)
REASON = "several builds print under this number, and they do not end alike"
MOST_NAMES = 16
SENT = re.compile(r"transferring (?:context|dockerfile):.* done")


@dataclass(slots=True)
class Knot:
    """All that was printed under one number: the names of vertexes, and how they ended."""

    names: dict[str, None] = field(default_factory=dict)
    begun: int = 0
    """How often its vertexes were begun or begun again: a header after `#3 ...` goes on with one."""
    ends: int = 0
    sent: int = 0
    """How many transfers of files ended."""
    outcomes: set[Outcome] = field(default_factory=set)

    def outcome(self) -> Outcome:
        """The outcome of every vertex of this number, if it is known."""
        if len(self.outcomes) == 1 and self.ends >= max(self.begun, len(self.names)):
            return next(iter(self.outcomes))
        return Outcome.UNKNOWN


@dataclass(slots=True)
class Tangle:
    """The numbers of all builds that share an output; `found` once it is certain that there are several."""

    found: bool = False
    warning: str = WARNING
    _knots: dict[int, Knot] = field(default_factory=dict)

    def name(self, number: int, name: str) -> None:
        """Note a header."""
        knot = self._knots.setdefault(number, Knot())
        knot.begun += 1
        if len(knot.names) < MOST_NAMES:
            knot.names[name] = None

    def status(self, number: int, text: str, *, alone: bool) -> None:
        """Note a line of the number that is none of its states; `alone` if a build that was tried again prints it."""
        knot = self._knots.setdefault(number, Knot())
        if text == "...":
            knot.begun -= 1
        elif SENT.fullmatch(text):
            knot.sent += 1
            self.found = self.found or (knot.sent > 1 and not alone and len(knot.names) < 2)

    def output(self, vertex: Vertex | None) -> None:
        """Note what the program of a step printed; `vertex` is the step before that line."""
        if vertex is not None and vertex.printed and _ran_once(vertex):
            self.found = True

    def again(self, vertex: Vertex | None, outcome: Outcome) -> None:
        """Note an end; `vertex` is as it was before."""
        if vertex is None or not _ran_once(vertex) or outcome not in (Outcome.RAN, Outcome.HIT):
            return
        name = vertex.name
        alone = name.index > 1 and not (name.is_base or name.is_link or vertex.pulled)
        self.found = self.found or alone or EXPORT.match(name.full) is not None

    def end(self, number: int, outcome: Outcome) -> None:
        """Note a state of the number."""
        knot = self._knots.setdefault(number, Knot())
        knot.ends += 1
        knot.outcomes.add(outcome)

    def absorb(self, other: Tangle) -> None:
        """Take the numbers of another build that turns out to be printed at the same time."""
        self.found = True
        for number, theirs in other._knots.items():
            mine = self._knots.setdefault(number, Knot())
            mine.names = {**theirs.names, **mine.names}
            mine.begun += theirs.begun
            mine.ends += theirs.ends
            mine.sent += theirs.sent
            mine.outcomes |= theirs.outcomes

    def steps(self, read: Iterable[Step]) -> list[Step]:
        """The steps of all builds, by number; `read` are the steps as they look if the output is of one build."""
        known = {(step.stage, step.index, step.instruction): step for step in read}
        failed = any(Outcome.ERROR in knot.outcomes for knot in self._knots.values())
        steps = []
        for _, knot in sorted(self._knots.items()):
            outcome = knot.outcome()
            if failed and outcome is Outcome.HIT:
                outcome = Outcome.UNKNOWN  # it may have been skipped: see `doubt`
            for full in knot.names:
                name = parse(full)
                if not name.is_step:
                    continue
                alone = known.get((name.place, name.index, name.text))
                certain = outcome if alone is None or alone.outcome in (outcome, Outcome.BASE) else Outcome.UNKNOWN
                certain = Outcome.BASE if name.is_base else certain
                targets = alone.targets if alone else ((name.target,) if name.target else ())
                reason = REASON if certain is Outcome.UNKNOWN else None
                steps.append(Step(name.place, name.index, name.total, name.text, certain, None, targets, reason))
        return steps


def _ran_once(vertex: Vertex) -> bool:
    """Whether a vertex has ended as run; one that targets share is printed again under the name of each."""
    return vertex.end.outcome is Outcome.RAN and len(vertex.names) == 1
