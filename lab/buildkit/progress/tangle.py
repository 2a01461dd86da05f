"""Several plain builds printed at the same time, with nothing before their lines that tells them apart.

`make -j2`, or two `docker build &`. A number then stands for one vertex of each build. How it ended is known where
it ended alike in all of them, and unknown where it did not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.buildkit.progress.build import Step
from lab.buildkit.progress.names import parse
from lab.model import Outcome

WARNING = (
    "several builds are printed at the same time, and nothing before their lines tells them apart; a step is unknown "
    "where its outcome depends on which build printed a line"
)
REASON = "several builds print under this number, and they do not end alike"
MOST_NAMES = 16


@dataclass(slots=True)
class Knot:
    """All that was printed under one number: the names of vertexes, and how they ended."""

    names: dict[str, None] = field(default_factory=dict)
    ends: int = 0
    outcomes: set[Outcome] = field(default_factory=set)

    def outcome(self) -> Outcome:
        """The outcome of every vertex of this number, if it is known."""
        if len(self.outcomes) == 1 and self.ends >= len(self.names):
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
        if len(knot.names) < MOST_NAMES:
            knot.names[name] = None

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
            mine.ends += theirs.ends
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
