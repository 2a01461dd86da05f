"""The Dockerfile has another line, in the step itself or in what enters its key."""

from __future__ import annotations

from lab.buildkit.cachekeys.step import Step
from lab.explain.causes.engines import difference
from lab.explain.explanation import Role, StepCause
from lab.explain.miss import Miss
from lab.explain.plans import changed_lines, lines_before, place, records, steps_of
from lab.explain.subject import Subject

MOST = 6  # differing lines of a Dockerfile that are shown
ADVICE = (
    "it is correct that the step runs, because it is another step: its command, the variables set before it (ENV, "
    "ARG), WORKDIR, USER and SHELL are part of its key. Put what changes often below the steps that do not need it"
)


def cause(miss: Miss) -> StepCause | None:
    """The cause where the producer's Dockerfile writes the step, or a line that enters its key, differently."""
    if miss.predicted is None:
        return None
    subject, step = miss.subject, miss.predicted.step
    words = _differences(subject, step)
    if not words:
        return None
    engines = difference(subject, step)
    more = (f"and {engines}",) if engines else ()
    evidence = (*words[1:], *more, *records(subject, miss.predicted))
    return StepCause(miss.text, Role.CAUSE, words[0], evidence=evidence, advice=ADVICE)


def _differences(subject: Subject, step: Step) -> list[str]:
    """How the two Dockerfiles differ in what enters the step: one sentence, then lines; nothing if they do not."""
    number = place(subject, step)
    theirs = steps_of(subject, subject.their_dockerfile, subject.engine.dialect if subject.engine else None)
    if number is None or number >= len(theirs) or theirs[number].record == step.record:
        return []
    other = theirs[number]
    changed = changed_lines(lines_before(subject.their_dockerfile, number), lines_before(subject.dockerfile, number))
    lines = [f"the Dockerfile at the producer: {line}" for line in changed[0][:MOST]]
    lines += [f"the Dockerfile here: {line}" for line in changed[1][:MOST]]
    if other.text != step.text:
        return [f'this step is "{other.text}" in the producer\'s Dockerfile', *lines]
    if not lines:
        return []
    sides = [line for side in changed for line in side[:1]]
    if len(sides) > 1 and sides[0] == sides[1]:
        return [f'"{sides[0]}" comes before it in another place here than at the producer', *lines]
    if changed[0] and changed[1]:
        return [f'"{sides[1]}" comes before it here, "{sides[0]}" at the producer', *lines]
    where = "at the producer, not here" if changed[0] else "here, not at the producer"
    return [f'"{sides[0]}" comes before it {where}', *lines]
