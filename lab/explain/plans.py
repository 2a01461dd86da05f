"""The steps that both sides' Dockerfiles make, and the place of one step among them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.needs import lineage
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.solver import Decision
from lab.buildkit.cachekeys.state import BaseImage
from lab.buildkit.cachekeys.step import Step
from lab.errors import LabError
from lab.explain.predict import base_images, options_of
from lab.explain.subject import Subject
from lab.results.facts import Given, ImageFacts


def records(subject: Subject, decision: Decision) -> tuple[str, ...]:
    """A line on the record of the step here, and one on the producer's if the cache lists it."""
    cache, step = subject.cache, decision.step
    if not isinstance(cache, Cache) or not step.record:
        return ()
    where = subject.where
    listed = f"is in {where}, but not after this parent" if cache.numbers(step.record) else f"is not in {where}"
    lines = [f"the record of its definition here {listed}: {step.record}"]
    number = place(subject, step)
    theirs = steps_there(subject)
    known = theirs[number].record if number is not None and number < len(theirs) else None
    if known and known != step.record and cache.numbers(known):
        lines.append(f"the record of its definition at the producer is in it: {known}")
    return tuple(lines)


def place(subject: Subject, step: Step) -> int | None:
    """The step's number among those that the Dockerfile here makes; None if it is none of them."""
    same = [
        number
        for number, item in enumerate(steps_here(subject))
        if (item.text, item.record) == (step.text, step.record)
    ]
    return same[0] if same else None


def steps_of(subject: Subject, dockerfile: str, dialect: Dialect | None, given: Given | None = None) -> Sequence[Step]:
    """The steps that engines of one dialect make of a Dockerfile; none if it cannot be read.

    `given` are the options of the build, by default those of the rebuild.
    """
    image = ImageFacts() if isinstance(subject.image, str) else subject.image
    cache = None if isinstance(subject.cache, str) else subject.cache
    try:
        parsed = dockerfiles.parse(dockerfile)
        options = options_of(subject, given)
        bases = base_images(parsed, image, subject.bases, cache, subject.platform, options)
        if isinstance(subject.image, str):  # then no image describes a base that was not read
            bases |= {name: BaseImage() for name in bases if name not in subject.bases}
        linked = any(not isinstance(side, str) and side.has_links for side in (subject.ours, subject.theirs))
        return plan(parsed, bases, dialect, lambda copy: None, options, linked=linked).steps
    except LabError:
        return ()


def steps_here(subject: Subject) -> Sequence[Step]:
    """The steps that the consumer's engine makes of its Dockerfile; none if it cannot be read."""
    return steps_of(subject, subject.dockerfile, subject.engine.dialect if subject.engine else None)


def steps_there(subject: Subject) -> Sequence[Step]:
    """The steps that the producer's engine made of its Dockerfile; none if it cannot be read."""
    dialect = subject.producer_engine.dialect if subject.producer_engine else None
    return steps_of(subject, subject.their_dockerfile, dialect, subject.their_options)


def lines_before(dockerfile: str, number: int) -> list[str]:
    """The instructions before a step, those that make no step too, and the step itself."""
    try:
        stages = lineage(dockerfiles.parse(dockerfile))
    except LabError:
        return []
    found, steps = [], 0
    for item in (item for stage in stages for item in stage.instructions):
        found.append(item.text)
        steps += item.word in ("RUN", "COPY", "ADD", "WORKDIR")
        if steps > number:
            break
    return found


def changed_lines(theirs: Sequence[str], ours: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines that only the producer has, and those that only this side has, in their order."""
    gone: list[str] = []
    new: list[str] = []
    for word, start, end, begin, stop in SequenceMatcher(None, theirs, ours, autojunk=False).get_opcodes():
        if word != "equal":
            gone += theirs[start:end]
            new += ours[begin:stop]
    return gone, new
