"""A build before it is made: what each step would do, what it costs, and how much is at stake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lab.buildkit.progress.build import Build
from lab.buildkit.progress.build import Step as Printed
from lab.explain.costs import Cost, Took, costs
from lab.explain.question import Question
from lab.explain.why import Answer, Diagnosis, diagnose
from lab.model import Outcome


@dataclass(frozen=True)
class Outlook:
    """The steps of a build, and for each its cost in seconds, None where no source has one."""

    diagnosis: Diagnosis
    costs: tuple[Cost | None, ...]

    @property
    def steps(self) -> tuple[Answer, ...]:
        """The steps in build order."""
        return self.diagnosis.steps

    @cached_property
    def hit_percent(self) -> float:
        """The share of steps that are predicted to hit, 100 for a build without steps; an unknown step is no hit."""
        return self._percent(Outcome.HIT)

    @cached_property
    def best_percent(self) -> float:
        """The share of steps that would hit if every unknown step did."""
        return self._percent(Outcome.HIT, Outcome.UNKNOWN)

    def seconds(self, outcome: Outcome) -> float:
        """The known seconds of all steps with an outcome."""
        return sum(cost.seconds for item, cost in self._pairs() if item.outcome is outcome and cost)

    def untimed(self, outcome: Outcome) -> int:
        """How many steps with an outcome have no known cost."""
        return sum(item.outcome is outcome and cost is None for item, cost in self._pairs())

    def build(self) -> Build:
        """The steps as those of a build log, in which the same names find them."""
        return Build(
            "buildkit",
            tuple(
                Printed(item.place.stage or None, item.place.index, item.place.total, item.instruction, item.outcome)
                for item in self.steps
            ),
        )

    def _pairs(self) -> Sequence[tuple[Answer, Cost | None]]:
        return list(zip(self.steps, self.costs, strict=True))

    def _percent(self, *outcomes: Outcome) -> float:
        count = sum(item.outcome in outcomes for item in self.steps)
        return 100 * count / len(self.steps) if self.steps else 100.0


def outlook(question: Question, earlier: Sequence[Took] = ()) -> Outlook:
    """Predict a build; `earlier` are the steps of earlier builds, the newest last. ReadError as for `diagnose`."""
    found = diagnose(question)
    places = [item.place for item in found.steps]
    return Outlook(found, tuple(costs(question.plan.steps, places, earlier, question.caches)))
