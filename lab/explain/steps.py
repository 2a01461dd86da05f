"""Why each step of a trial did what it did: the first that ran is the cause, those after it are consequences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.plan import lineage
from lab.buildkit.cachekeys.solver import Decision
from lab.errors import ReadError
from lab.explain.explanation import Explanation, Role, StepCause
from lab.explain.finder import Finder
from lab.explain.predict import decisions, matched
from lab.explain.subject import Subject
from lab.explain.upstream import Upstream
from lab.model import Outcome, Verdict
from lab.results.run import BuildResult, StepResult

MAKE_STEPS = ("RUN", "COPY", "ADD", "WORKDIR")


def explain(subject: Subject, upstream: Upstream) -> Explanation:
    """The explanation of one trial; of a broken one only a cache that could not be read is a known cause."""
    trial = subject.trial
    if trial.build is not None and any(source.lost for source in trial.build.imports):
        return Explanation(trial.name, tuple(_without_import(trial.build, Finder(subject, upstream, None))))
    if trial.build is None or trial.verdict is Verdict.BROKEN:
        why = f"the trial is broken: {_in_short(trial.problem or 'the reason is not known')}"
        steps = tuple(
            StepCause(
                text, Role.UNKNOWN, "the trial is broken" if number else why, evidence=_elsewhere(subject, number)
            )
            for number, text in enumerate(subject.run.instructions)
        )
        return Explanation(trial.name, steps)
    made = decisions(subject)
    instructions = [step.instruction for step in trial.build.steps]
    predictions = [None] * len(instructions) if isinstance(made, str) else matched(instructions, made)
    finder = Finder(subject, upstream, made if isinstance(made, str) else None)
    lost: str | None = None
    steps_: list[StepCause] = []
    for step, decision in zip(trial.build.steps, predictions, strict=True):
        steps_.append(_one(step, decision, lost, finder))
        if step.outcome is Outcome.RAN and lost is None:
            lost = step.instruction
    return Explanation(trial.name, tuple(steps_))


def _in_short(problem: str) -> str:
    """The first line of a problem without its command, and the last line that the command printed."""
    first, *rest = [line.strip() for line in problem.splitlines() if line.strip()] or [problem]
    first = re.sub(r" of `.*`", "", first)
    return f"{first}: {rest[-1]}" if rest and rest[-1] != first else first


def _elsewhere(subject: Subject, number: int) -> tuple[str, ...]:
    """A line on what the Dockerfile that was built has in place of a step that a variation changed."""
    try:
        stages = lineage(dockerfiles.parse(subject.dockerfile))
    except ReadError as error:
        return (error.message,)
    wanted = subject.run.instructions[number]
    steps = [item.text for stage in stages for item in stage.instructions if item.word in MAKE_STEPS]
    if wanted in steps or number >= len(steps):
        return ()
    return (f'the Dockerfile that was built here has "{steps[number]}" in its place',)


def _without_import(build: BuildResult, finder: Finder) -> Iterator[StepCause]:
    """All steps of a build whose engine could not read the cache that it was to use."""
    blamed = False
    for step in build.steps:
        if step.outcome is Outcome.RAN and not blamed:
            blamed = True
            yield finder.cause(step.instruction, None)
        elif step.outcome is Outcome.RAN:
            yield StepCause(step.instruction, Role.CONSEQUENCE, "the cache could not be read")
        elif step.outcome is Outcome.HIT:
            yield StepCause(
                step.instruction, Role.HIT, "it was found in another place than the cache that could not be read"
            )
        else:
            yield StepCause(step.instruction, Role.UNKNOWN, "its outcome is not known")


def _one(step: StepResult, decision: Decision | None, lost: str | None, finder: Finder) -> StepCause:
    text = step.instruction
    if step.outcome.cached:
        return StepCause(text, Role.HIT, _hit(decision, after=lost))
    if step.outcome is not Outcome.RAN:
        return StepCause(text, Role.UNKNOWN, "its outcome is not known")
    if lost is not None:
        why = f"its parent missed ({lost}), so its own key is new"
        return StepCause(text, Role.CONSEQUENCE, why, evidence=finder.own_cause(text))
    return finder.cause(text, decision)


def _hit(decision: Decision | None, after: str | None) -> str:
    if decision is not None and decision.outcome is Outcome.RAN:
        return f"it hit although it was predicted to run: {decision.sentence}"
    if after is not None:
        return f"it hit although {after} ran before it: it does not depend on that step"
    return "its key is in the cache"
