"""Two sides at work: the sets that miss by prediction, what an engine does with them, and a bisection on the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lab.model import Progress
from lab.results.run import Trial
from lab.results.varied import BetweenFacts
from lab.run.vary.answers import Answers
from lab.run.vary.axis import Axis, Variant
from lab.run.vary.between.engine import LIMIT, EngineBisection
from lab.run.vary.between.pieces import Piece
from lab.run.vary.between.searching import EVERY, REST, Search, axis_of, batch, cause_facts, summary
from lab.run.vary.proof import misses, outcomes_of


@dataclass
class Comparison:
    """The difference of two sides. `make` builds a variant under a name; `facts` is what was found so far."""

    search: Search
    answers: Answers
    make: Callable[[str, Variant], Trial]
    facts: BetweenFacts
    limit: int = LIMIT
    axes: list[Axis] = field(default_factory=list)  # those that the engine found

    def confirm(self) -> list[str]:
        """Bisect on the engine if it did not do what was predicted; return the axes that contradict the prediction.

        Nothing can be bisected if the engine hits with all differences together.
        """
        found, answers = self.search.found, self.answers
        wrong = [axis.axis for axis in self.facts.causes if self._is_wrong(axis.axis)]
        if not found.causes and answers.missed(EVERY):
            wrong.append(EVERY)
        if answers.missed(REST) and not found.more:
            wrong.append(REST)
        if wrong and answers.missed(EVERY):
            self._bisect()
        return wrong

    def _is_wrong(self, axis: str) -> bool:
        return self.answers.has_run(axis) and not self.answers.missed(axis)

    def _bisect(self) -> None:
        """Leave out the sets that the engine has confirmed, and look for others by real rebuilds."""
        found, answers = self.search.found, self.answers
        left = list(found.every)
        for facts, cause in zip(self.facts.causes, found.causes, strict=True):
            if answers.missed(facts.axis):
                alike = {piece.sort for piece in cause} if len(cause) == 1 else set()
                left = [piece for piece in left if piece not in cause and piece.sort not in alike]
        trials: dict[tuple[Piece, ...], Trial] = {}

        def tried(chosen: Sequence[Piece]) -> bool:
            box = answers.bench.box.name
            answers.bench.tell(Progress(box, f"bisect on the engine: {len(chosen)} of {len(left)} differences"))
            trial = self.make(f"bisect-{len(trials) + 1}", Variant(summary(chosen), (batch(chosen),)))
            trials[tuple(chosen)] = trial
            return misses(trial, outcomes_of(answers.control))

        work = EngineBisection(tried, self.limit)
        work.run(left, known=len(left) == len(found.every))
        for number, cause in enumerate(work.causes, 1):
            self._keep(number, cause, trials.get(cause))
        self.facts = self.facts.model_copy(update={"rebuilds": work.tries, "spent": work.spent})

    def _keep(self, number: int, cause: tuple[Piece, ...], trial: Trial | None) -> None:
        """Keep a set that the engine missed with; a single difference has no trial but that of all differences."""
        axis = axis_of(f"engine-cause-{number}", summary(cause), cause)
        if trial is None:
            trial = self.make(axis.name, Variant(axis.summary, (batch(cause),)))
        self.axes.append(axis)
        self.answers.show(axis, axis.summary, trial)
        facts = cause_facts(axis.name, cause, self.search.found.every)
        self.facts = self.facts.model_copy(update={"causes": (*self.facts.causes, facts)})
