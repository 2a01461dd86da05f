"""Makes a random build smaller as long as one of its steps contradicts its prediction in the same way.

The algorithm is the delta debugging of lab/run/minimise/ddmin.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.solver import Decision
from lab.buildkit.cachekeys.step import Step
from lab.counting import counted
from lab.errors import LabError
from lab.model import Outcome
from lab.run.minimise.ddmin import minimal
from lab.run.random_trials.bench import Made, Wanted
from lab.run.random_trials.case import Case
from lab.run.random_trials.comparing import Compared
from lab.run.random_trials.pieces import only, pieces_of, words_of

ATTEMPTS = 80  # trials for one contradiction
Make = Callable[[Case, Wanted], Made]
Sort = tuple[str, Outcome, Outcome]


@dataclass
class Minimiser:
    """Searches the smallest build that contradicts in the same way as `best`; `make` makes a trial on real engines.

    `dialect` is that of the engine that builds first.
    Builds are not made twice. One that lab itself takes to fail, or in which no step of the kind remains, is not made
    at all, and the consumer does not build unless a step has the prediction that was wrong.
    """

    best: Made
    make: Make
    dialect: Dialect
    attempts: int = ATTEMPTS
    tell: Callable[[str], None] = lambda text: None
    _known: dict[str, bool] = field(default_factory=dict)

    def run(self) -> Made:
        """Return the trial of the smallest build that was found."""
        sorts = {_sort(step) for step in self.best.wrong}
        for kind in (pieces_of, words_of, pieces_of):
            whole = self.best.case
            every = kind(whole)
            minimal(every, lambda kept, whole=whole, every=every: self._holds(only(whole, kept, every), sorts))  # type: ignore[misc]
        return self.best

    def _holds(self, case: Case | None, sorts: set[Sort]) -> bool:
        if case is None:
            return False
        key = case.model_dump_json(exclude_none=True)
        if key not in self._known:
            if not self.attempts or not is_worth_it(case, sorts, self.dialect):
                return False
            self.attempts -= 1
            lines = counted(len(self.best.case.dockerfile.splitlines()), "line")
            self.tell(f"{counted(self.attempts, 'attempt')} left, {lines}")
            made = self.make(case, lambda found: _has(found, sorts))
            self._known[key] = any(_sort(step) in sorts for step in made.wrong)
            if self._known[key]:
                self.best = made
        return self._known[key]


def is_worth_it(case: Case, sorts: Iterable[Sort], dialect: Dialect) -> bool:
    """True if lab can plan the build, does not take it to fail, and plans a step of a kind that is looked for.

    `dialect` is that of the engine that builds it first.
    """
    try:
        planned = plan(parse(case.dockerfile), {}, dialect, lambda copy: "")
    except LabError:
        return False
    words = {word for word, _, _ in sorts}
    fails = planned.failing or any(map(_is_empty, planned.steps))
    return not fails and any(_word(step) in words for step in planned.steps)


def _is_empty(step: Step) -> bool:
    return step.copy is not None and not step.copy.sources and not step.copy.files


def _has(found: list[Decision] | str, sorts: set[Sort]) -> bool:
    """True if a step has the prediction that was wrong."""
    wanted = {(word, predicted) for word, predicted, _ in sorts}
    return not isinstance(found, str) and any((_word(item.step), item.outcome) in wanted for item in found)


def _word(step: Step) -> str:
    return step.text.split(None, 1)[0].upper()


def _sort(step: Compared) -> Sort:
    return step.word, step.predicted, step.real
