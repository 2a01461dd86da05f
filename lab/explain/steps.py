"""Why each step of a trial did what it did: the first that ran is the cause, those after it are consequences."""

from __future__ import annotations

from lab.cachekeys.solver import Decision
from lab.causes import Explanation, Role, StepCause
from lab.explain.causes import Finder
from lab.explain.predict import forecast, matched
from lab.explain.subject import Subject
from lab.model import Outcome, Verdict
from lab.results import StepResult
from lab.upstream import Upstream


def explain(subject: Subject, upstream: Upstream) -> Explanation:
    """The explanation of one trial; of a broken one nothing is known."""
    trial = subject.trial
    if trial.build is None or trial.verdict is Verdict.BROKEN:
        why = f"the trial is broken: {(trial.problem or 'not known why').splitlines()[0]}"
        steps = tuple(StepCause(instruction, Role.UNKNOWN, why) for instruction in subject.run.instructions)
        return Explanation(trial.name, steps)
    made = forecast(subject)
    instructions = [step.instruction for step in trial.build.steps]
    decisions = [None] * len(instructions) if isinstance(made, str) else matched(instructions, made)
    finder = Finder(subject, upstream, made if isinstance(made, str) else None)
    lost: str | None = None
    steps_: list[StepCause] = []
    for step, decision in zip(trial.build.steps, decisions, strict=True):
        steps_.append(_one(step, decision, lost, finder))
        if step.outcome is Outcome.RAN and lost is None:
            lost = step.instruction
    return Explanation(trial.name, tuple(steps_))


def _one(step: StepResult, decision: Decision | None, lost: str | None, finder: Finder) -> StepCause:
    text = step.instruction
    if step.outcome is Outcome.HIT:
        return StepCause(text, Role.HIT, _hit(decision, after=lost))
    if step.outcome is not Outcome.RAN:
        return StepCause(text, Role.UNKNOWN, "its outcome is not known")
    if lost is not None:
        return StepCause(text, Role.CONSEQUENCE, f"its parent missed ({lost}), so its own key is new")
    return finder.cause(text, decision)


def _hit(decision: Decision | None, after: str | None) -> str:
    if decision is not None and decision.outcome is Outcome.RAN:
        return f"it hit although it was predicted to run: {decision.sentence}"
    if after is not None:
        return f"it hit although {after} ran before it: it does not depend on that step"
    return "its key is in the cache"
