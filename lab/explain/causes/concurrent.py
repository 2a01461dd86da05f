"""Another build, or another target of the same build, used the same steps at the same time: a suspect, never proven."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from lab.explain.explanation import Role, StepCause
from lab.explain.miss import Miss
from lab.explain.upstream import Bug, Upstream
from lab.model import Outcome

ANOTHER_BUILD, ANOTHER_TARGET = "concurrent-build", "shared-bake-target"
ADVICE = (
    "build the targets one after another, or give each a builder of its own (docker buildx create): if the step then "
    "hits, it was this"
)


class Printed(Protocol):
    """A step as a build printed it."""

    @property
    def instruction(self) -> str:
        """The instruction of the Dockerfile."""

    @property
    def outcome(self) -> Outcome:
        """What became of it."""

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets of bake or the services of compose for which it was built."""


def cause(miss: Miss) -> StepCause | None:
    """The suspect where a hit was predicted, the build made several targets at once, and the engine has such a bug;
    None if one of these does not hold.
    """
    build, facts = miss.subject.trial.build, miss.subject.consumer
    decision = miss.decision
    if build is None or facts is None or decision is None or decision.outcome is not Outcome.HIT:
        return None
    names = targets(build.steps)
    if len(names) < 2:
        return None
    same = [step for step in build.steps if step.instruction == miss.text]
    bug = suspect(miss.upstream, same)
    if bug is None or not bug.affects(facts.server, is_docker=facts.is_docker):
        return None
    evidence = [f"{listed(step.targets)}: {step.instruction}: {step.outcome}" for step in same if step.targets]
    return StepCause(
        miss.text,
        Role.UNKNOWN,
        "why it ran is not known: a hit was predicted, because its key is in the cache according to all that was "
        f"gathered. A suspect, which is not proven: the targets {listed(names)} were built at the same time, and "
        f"{facts.title} has a known bug by which {bug.summary}",
        evidence=(*evidence, *((bug.partly,) if bug.partly else ())),
        issue=bug.url,
        fixed=bug.fixed,
        advice=ADVICE,
    )


def targets(steps: Iterable[Printed]) -> list[str]:
    """Return the names of all targets of a build, in the order in which they were printed."""
    return list(dict.fromkeys(name for step in steps for name in step.targets))


def suspect(upstream: Upstream, same: Sequence[Printed]) -> Bug | None:
    """Return the known bug that one step, printed for several targets, looks like.

    If one target hits and another runs it, that is the bug of shared targets, else that of concurrent builds.
    """
    name = ANOTHER_TARGET if apart(same) else ANOTHER_BUILD
    return next(iter(upstream.named(name)), None)


def apart(same: Sequence[Printed]) -> tuple[Printed, Printed] | None:
    """Return a hit and a run of one step for different targets; None if there are none.

    A step that targets share and that is printed once has one outcome, whatever their number.
    """
    hits = [step for step in same if step.outcome is Outcome.HIT]
    runs = [step for step in same if step.outcome is Outcome.RAN]
    pairs = ((hit, run) for hit in hits for run in runs if hit.targets and run.targets)
    return next((pair for pair in pairs if not set(pair[0].targets) & set(pair[1].targets)), None)


def listed(names: Sequence[str]) -> str:
    """Return names as words: `api`, `api and web`, `api, db and web`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
