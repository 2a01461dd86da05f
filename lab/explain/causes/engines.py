"""The producer's engine writes the definition of the same step differently."""

from __future__ import annotations

from lab.buildkit.cachekeys.step import Step
from lab.explain.explanation import Role, StepCause
from lab.explain.miss import Miss
from lab.explain.plans import place, records, steps_of
from lab.explain.subject import Subject

RUN_ADVICE = "build on both sides with engines of one line: 19.03 to 23, 24 and 25, or 26 and later"
COPY_ADVICE = (
    "build on both sides with engines of one line: how they write a COPY with --chown, onto scratch, or of three or "
    "more sources changed between them"
)


def cause(miss: Miss) -> StepCause | None:
    """The cause where the two engines make different records of one step."""
    if miss.predicted is None:
        return None
    sentence = difference(miss.subject, miss.predicted.step)
    if sentence is None:
        return None
    advice = RUN_ADVICE if miss.predicted.step.copy is None else COPY_ADVICE
    return StepCause(miss.text, Role.CAUSE, sentence, evidence=records(miss.subject, miss.predicted), advice=advice)


def difference(subject: Subject, step: Step) -> str | None:
    """How the producer's engine writes this very step differently; None if it does not, or if that is not known."""
    ours, theirs = subject.engine, subject.producer_engine
    number = place(subject, step)
    if ours is None or theirs is None or ours.dialect is None or theirs.dialect is None or number is None:
        return None
    other = steps_of(subject, subject.dockerfile, theirs.dialect)[number]
    if (other.record, other.selector) == (step.record, step.selector):
        return None
    names = [facts.server if facts else "?" for facts in (subject.producer, subject.consumer)]
    what = "the definition of this step" if other.record != step.record else "this step's link to its parent"
    return f"Docker {names[0]} made the cache, and Docker {names[1]} writes {what} differently"
