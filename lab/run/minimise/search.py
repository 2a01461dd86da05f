"""The search for the smallest candidate: predictions choose, and the engine confirms each kind of reduction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from lab.errors import CommandError, DifferenceError, FlakyError
from lab.run.minimise.bench import TRIALS, Seen
from lab.run.minimise.candidate import Candidate, Difference
from lab.run.minimise.reductions import AGAIN, REDUCTIONS, Reduction

CANNOT_BUILD = "with --context, `--base '*=busybox' --stub-runs` builds without a network"
LIMIT = 200  # trials, unless the user allows another number
ROUNDS = 4


class Predict(Protocol):
    """What the model says of a candidate."""

    def holds(self, candidate: Candidate, wanted: Difference) -> bool | None:
        """True if the candidate has that difference, False if not; None where the model does not say."""


class SpentError(Exception):
    """The trials that the user allows are made."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one kind of reduction did: the counts before and after it, and whether the engine contradicted the model."""

    name: str
    before: dict[str, int]
    after: dict[str, int]
    contradicted: bool = False


@dataclass
class Search:
    """Searches the smallest candidate with the difference of the start.

    `make` builds a candidate on the engine, and `answers` keeps what it did by the candidate's key: an interrupted
    search that begins again with them makes no trial twice. `predict` makes the model once the start was built.
    `store` is called after each trial, `tell` with what is going on. `limit` is a number of trials.
    """

    start: Candidate
    make: Callable[[Candidate], Seen]
    predict: Callable[[], Predict]
    answers: dict[str, Seen] = field(default_factory=dict)
    limit: int = LIMIT
    store: Callable[[], None] = lambda: None
    tell: Callable[[str], None] = lambda text: None
    best: Candidate = field(init=False)
    steps: list[Step] = field(default_factory=list)
    predicted: int = 0
    spent: bool = False
    _predictions: dict[str, bool | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.best = self.start

    @property
    def trials(self) -> int:
        """How many rebuilds the engine has made."""
        return sum(answer.trials for answer in self.answers.values())

    def answers_of(self, candidate: Candidate) -> Seen:
        """What the engine did with a candidate that it has built."""
        return self.answers[candidate.key]

    def run(self) -> Candidate:
        """Return the smallest candidate that an engine confirmed.

        CommandError if the start cannot be built, DifferenceError if it has no difference, FlakyError if two runs of it
        differ. `spent` is then true if the limit was reached before the end.
        """
        self._begin()
        try:
            for reduction in REDUCTIONS:
                self._reduce(reduction)
            again = [reduction for reduction in REDUCTIONS if reduction.name in AGAIN]
            for _ in range(ROUNDS):
                before = self.best.key
                for reduction in again:
                    self._reduce(reduction)
                if self.best.key == before:
                    break
        except SpentError:
            self.spent = True
        return self.best

    def _begin(self) -> None:
        """Build the start twice, and find the difference that must stay.

        It is the first one that the model predicts too: a step of another stage may run only because BuildKit needs its
        result for the step with the cause.
        """
        name = self.start.name
        first = self._answer(self.start, "building the start", "")
        if first.problem:
            raise CommandError(f"cannot minimise {name}: the start has no outcome: {first.problem}", hint=CANNOT_BUILD)
        if not first.differences:
            raise DifferenceError(f"cannot minimise {name}: the start has no difference: {first}")
        second = self._answer(self.start, "building the start again", "again ")
        if second.problem or second.outcomes != first.outcomes:
            raise FlakyError(f"cannot minimise {name}: two runs of the start differ: first {first}; then {second}")
        self._model = self.predict()
        likely = [item for item in first.differences if self._model.holds(self.start, item)]
        self._usable = bool(likely)
        self.wanted = (likely or first.differences)[0]

    def _reduce(self, reduction: Reduction) -> None:
        """Reduce by predictions, then confirm that on the engine; if it contradicts them, ask it each time."""
        before, contradicted = self.best, False
        found = reduction.reduce(before, lambda candidate: self._likely(candidate, reduction))
        if found.key != self.best.key and not self._confirmed(found, reduction):
            contradicted = True
            reduction.reduce(self.best, lambda candidate: self._certain(candidate, reduction))
        if self.best.key != before.key:
            self.steps.append(Step(reduction.name, before.counts, self.best.counts, contradicted))

    def _likely(self, candidate: Candidate, reduction: Reduction) -> bool:
        """Whether a candidate is predicted to keep the difference; where that is unknown, whether it does."""
        predicted = self._prediction(candidate)
        return self._confirmed(candidate, reduction) if predicted is None else predicted

    def _certain(self, candidate: Candidate, reduction: Reduction) -> bool:
        """Whether a candidate keeps the difference on the engine, which is asked only where the model allows it."""
        return self._prediction(candidate) is not False and self._confirmed(candidate, reduction)

    def _prediction(self, candidate: Candidate) -> bool | None:
        """The model's prediction; None where it does not say, or where it does not even predict the start."""
        if not self._usable:
            return None
        if candidate.key not in self._predictions:
            self.predicted += 1
            self._predictions[candidate.key] = self._model.holds(candidate, self.wanted)
        return self._predictions[candidate.key]

    def _confirmed(self, candidate: Candidate, reduction: Reduction) -> bool:
        """Whether the engine shows the difference; the candidate is then the best so far."""
        if candidate.is_varied and not candidate.build.change:
            return False
        seen = self._answer(candidate, reduction.doing, "")
        if self.wanted in seen.differences:
            self.best = candidate
            return True
        return False

    def _answer(self, candidate: Candidate, doing: str, prefix: str) -> Seen:
        """What the engine does with a candidate, of which it makes each once.

        A start that could not be built is tried again: the reason may be gone, and without a start there is no result.
        """
        key = prefix + candidate.key
        known = self.answers.get(key)
        if known is None or (known.problem and candidate.key == self.start.key):
            if self.trials + TRIALS > self.limit:
                raise SpentError
            counts = candidate.counts
            self.tell(
                f"{doing}: {counts['files']} files, {counts['instructions']} instructions; "
                f"{self.trials} trials made, {self.predicted} candidates predicted"
            )
            self.answers[key] = self.make(candidate)
            self.store()
        return self.answers[key]
