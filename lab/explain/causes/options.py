"""The build here has other options than the producer's, and one of them enters the step's key."""

from __future__ import annotations

from dataclasses import replace

from lab.explain.explanation import Role, StepCause
from lab.explain.miss import Miss
from lab.explain.plans import place, records, steps_of
from lab.results.facts import Given

ADVICE = "give both builds the same options, since these are part of the step's key"


def cause(miss: Miss) -> StepCause | None:
    """The cause where the same step has another record with the options of the producer's build."""
    subject = miss.subject
    made, given = subject.production, subject.trial.options
    if miss.predicted is None or made is None or subject.engine is None or made.options == given:
        return None
    number = place(subject, miss.predicted.step)
    there = replace(subject, trial=subject.trial.model_copy(update={"options": made.options}))
    theirs = steps_of(there, subject.dockerfile, subject.engine.dialect)
    if number is None or number >= len(theirs) or theirs[number].record == miss.predicted.step.record:
        return None
    here, elsewhere = _words(given), _words(made.options)
    named = [f"{word} here" for word in here if word not in elsewhere]
    named += [f"{word} at the producer" for word in elsewhere if word not in here]
    sentence = f"the options of the build differ: {', '.join(named)}"
    return StepCause(miss.text, Role.CAUSE, sentence, evidence=records(subject, miss.predicted), advice=ADVICE)


def _words(given: Given) -> list[str]:
    return [*given.flags, *(f"--build-arg {name}={value}" for name, value in given.arguments.items())]
