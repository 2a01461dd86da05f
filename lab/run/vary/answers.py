"""The answers on the axes of one run: what each is on its box, and what a trial of it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.explain.explanation import Explanation, Role
from lab.explain.steps import explain
from lab.explain.subject import subject
from lab.explain.upstream import Upstream
from lab.model import Outcome
from lab.report.prediction import Prediction, prediction
from lab.results.run import Trial
from lab.results.varied import AxisFacts, State
from lab.run.vary import costs
from lab.run.vary.axis import Axis, Variant
from lab.run.vary.bench import Bench, Looked
from lab.run.vary.proof import in_short, is_miss, misses, outcomes_of

NO_MODEL = "it is another builder, of whose cache lab has no model"
NO_CAUSE = "it is not known: lab's model predicts that the engine hits"


@dataclass(frozen=True, slots=True)
class Prepared:
    """One axis at work: what it is here, what its look found, and whether no key of the build changes by the model."""

    axis: Axis
    variant: Variant
    looked: Looked
    same: bool


@dataclass
class Answers:
    """The answers so far by axis. `control` is the rebuild without a change, `sizes` the bytes of each step's layer."""

    bench: Bench
    upstream: Upstream
    control: Trial | None = None
    sizes: tuple[int | None, ...] = ()
    facts: dict[str, AxisFacts] = field(default_factory=dict)

    def skip(self, axis: Axis, reason: str, what: str = "") -> None:
        """Keep the reason why an axis has no trial."""
        self._keep(axis, what, State.SKIPPED, reason=reason)

    def predict(self, item: Prepared) -> None:
        """Keep the prediction as the answer."""
        outcomes = item.looked.trial.predicted or ()
        self._keep(item.axis, item.variant.what, State.PREDICTED, outcomes=outcomes)

    def show(self, axis: Axis, what: str, trial: Trial, *, spot: bool = False) -> None:
        """Keep what a trial shows: the outcomes, and the miss that is the cause of the others with its cost."""
        found: dict[str, object] = {"trial": trial.name, "outcomes": outcomes_of(trial)}
        if is_unread(trial):
            reason = in_short(trial.problem or "the reason is not known")
            self._keep(axis, what, State.FAILED, reason=reason, **found)
        else:
            self._keep(axis, what, State.RAN, spot=spot, **found, **self._of_miss(trial))

    def missed(self, name: str) -> bool:
        """Return whether an engine has shown that an axis misses."""
        facts = self.facts.get(name)
        if facts is None or facts.state is not State.RAN:
            return False
        return any(is_miss(*pair) for pair in zip(facts.outcomes, outcomes_of(self.control), strict=False))

    def has_run(self, name: str) -> bool:
        """Return whether an engine has built an axis, and its outcomes are known."""
        facts = self.facts.get(name)
        return facts is not None and facts.state is State.RAN

    def _keep(self, axis: Axis, what: str, state: State, **fields: object) -> None:
        facts = AxisFacts(name=axis.name, summary=axis.summary, what=what, state=state)
        self.facts[axis.name] = facts.model_copy(update=fields)

    def _of_miss(self, trial: Trial) -> dict[str, object]:
        """The step that missed by itself, its cause and its cost."""
        before = outcomes_of(self.control)
        if not misses(trial, before) or trial.build is None:
            return {}
        steps = trial.build.steps
        missed = [at for at, (step, was) in enumerate(zip(steps, before, strict=False)) if is_miss(step.outcome, was)]
        place, cause = self._cause(trial, missed)
        return {
            "step": steps[place].instruction,
            "cause": cause,
            "cost": costs.cost(steps, before, self.sizes),
        }

    def _cause(self, trial: Trial, missed: Sequence[int]) -> tuple[int, str]:
        """The place and the cause of the missed step that `explain` names, else of the first one."""
        if trial.engine.endswith("+classic"):
            return missed[0], NO_MODEL
        explained = explain(subject(self.bench.run, trial, self.bench.book), self.upstream)
        place = main_of(explained, missed)
        if (trial.predicted or ())[place : place + 1] == (Outcome.HIT,):
            return place, NO_CAUSE
        return place, explained.steps[place].sentence


def main_of(explained: Explanation, missed: Sequence[int]) -> int:
    """Return the place of the missed step that is the cause of most misses; the first one if none has a cause.

    A step whose key is in the cache without a layer is no cause.
    """
    causes = [at for at in missed if explained.steps[at].role is Role.CAUSE]
    return explained.main if explained.main in causes else next(iter(causes), missed[0])


def is_unread(trial: Trial) -> bool:
    """Return whether a trial has no build, or a step of it has no outcome that counts."""
    return trial.build is None or any(step.outcome in (Outcome.ERROR, Outcome.UNKNOWN) for step in trial.build.steps)


def contradicts(trial: Trial, before: Sequence[Outcome], *, spot: bool) -> bool:
    """Return whether a trial differs from its prediction; a spot check is predicted to do what the control did."""
    if prediction(trial) is Prediction.CONTRADICTED:
        return True
    return spot and (is_unread(trial) or outcomes_of(trial) != tuple(before))
