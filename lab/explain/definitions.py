"""A miss in how a step is written: no cache at all, another base, another Dockerfile, another line of engines."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.definition import source_record
from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.inline import InlineCache
from lab.buildkit.cachekeys.plan import Step, lineage, plan
from lab.buildkit.cachekeys.solver import Decision, Reason
from lab.errors import LabError
from lab.explain.explanation import Role, StepCause
from lab.explain.predict import base_image
from lab.explain.subject import Subject

MOST = 6  # differing lines of a Dockerfile that are shown

TEXT_ADVICE = (
    "that it runs is right, the step is another one: its command, the variables set before it (ENV, ARG), WORKDIR, "
    "USER and SHELL are part of its key. Put what changes often below the steps that do not need it"
)
RUN_ADVICE = "build on both sides with engines of one line: 19.03 to 23, 24 and 25, or 26 and later"
COPY_ADVICE = (
    "build on both sides with engines of one line: how a COPY with --chown, onto nothing, or of three and more "
    "sources is written changed between them"
)
BASE_ADVICE = (
    "name the base image by its digest (FROM image@sha256:..) on both sides, and build and push the cache image anew"
)


def without_cache(subject: Subject, text: str) -> StepCause:
    """The cause where the image has no inline cache at all."""
    digest = None if isinstance(subject.image, str) else subject.image.digest
    return StepCause(
        text,
        Role.CAUSE,
        "the image has no inline cache, so no step can hit",
        evidence=(f"no moby.buildkit.cache.v0 in the image's config, {digest}",) if digest else (),
        advice="build the image with --build-arg BUILDKIT_INLINE_CACHE=1, or --cache-to type=inline",
    )


def definition_cause(subject: Subject, text: str, decision: Decision) -> StepCause:
    """The cause of a step that ran because the cache has none that is written like it, or none after its parent."""
    if decision.reason is Reason.BASE:
        return _base(subject, text, decision)
    lines = _records(subject, decision)
    words = _other_text(subject, decision.step)
    engines = _other_engine(subject, decision.step)
    if words:
        more = (f"and {engines}",) if engines else ()
        return StepCause(text, Role.CAUSE, words[0], evidence=(*words[1:], *more, *lines), advice=TEXT_ADVICE)
    if engines:
        advice = RUN_ADVICE if decision.step.copy is None else COPY_ADVICE
        return StepCause(text, Role.CAUSE, engines, evidence=lines, advice=advice)
    return StepCause(text, Role.CAUSE, decision.sentence, evidence=lines)


def _base(subject: Subject, text: str, decision: Decision) -> StepCause:
    base = subject.base
    lines = []
    if base and base.diff_ids:
        lines.append(f"the base here has {len(base.diff_ids)} layers, the last {base.diff_ids[-1]}")
        record = source_record(base.diff_ids)
        lines.append(f"the record of these layers, not in the image's inline cache: {record}")
    return StepCause(text, Role.CAUSE, decision.sentence, evidence=tuple(lines), advice=BASE_ADVICE)


def _other_text(subject: Subject, step: Step) -> list[str]:
    """How the two Dockerfiles differ in what enters the step: one sentence, then lines; nothing if they do not."""
    number = _place(subject, step)
    theirs = _steps(subject, subject.their_dockerfile, subject.engine.dialect if subject.engine else None)
    if number is None or number >= len(theirs) or theirs[number].record == step.record:
        return []
    other = theirs[number]
    changed = _changed(_before(subject.their_dockerfile, number), _before(subject.dockerfile, number))
    lines = [f"the Dockerfile at the producer: {line}" for line in changed[0][:MOST]]
    lines += [f"the Dockerfile here: {line}" for line in changed[1][:MOST]]
    if other.text != step.text:
        return [f'this step is "{other.text}" in the producer\'s Dockerfile', *lines]
    if not lines:
        return []
    sides = [line for side in changed for line in side[:1]]
    if changed[0] and changed[1]:
        return [f'"{sides[1]}" stands before it here, "{sides[0]}" at the producer', *lines]
    where = "at the producer, not here" if changed[0] else "here, not at the producer"
    return [f'"{sides[0]}" stands before it {where}', *lines]


def _other_engine(subject: Subject, step: Step) -> str | None:
    """That the producer's engine writes this very step otherwise; None if it does not, or that is not known."""
    ours, theirs = subject.engine, subject.producer_engine
    number = _place(subject, step)
    if ours is None or theirs is None or ours.dialect is None or theirs.dialect is None or number is None:
        return None
    other = _steps(subject, subject.dockerfile, theirs.dialect)[number]
    if (other.record, other.selector) == (step.record, step.selector):
        return None
    names = [facts.server if facts else "?" for facts in (subject.producer, subject.consumer)]
    what = "the definition of this step" if other.record != step.record else "this step's link to its parent"
    return f"Docker {names[0]} made the cache and Docker {names[1]} writes {what} otherwise"


def _records(subject: Subject, decision: Decision) -> tuple[str, ...]:
    """The record of the step here, and of the producer's if its own engine's and Dockerfile's is listed."""
    cache, step = subject.cache, decision.step
    if not isinstance(cache, InlineCache) or not step.record:
        return ()
    where = "the image's inline cache"
    listed = f"is in {where}, but not after this parent" if cache.numbers(step.record) else f"is not in {where}"
    lines = [f"the record of its definition here {listed}: {step.record}"]
    number = _place(subject, step)
    theirs = _steps(
        subject, subject.their_dockerfile, subject.producer_engine.dialect if subject.producer_engine else None
    )
    known = theirs[number].record if number is not None and number < len(theirs) else None
    if known and known != step.record and cache.numbers(known):
        lines.append(f"the record of its definition at the producer is in it: {known}")
    return tuple(lines)


def _place(subject: Subject, step: Step) -> int | None:
    """The step's number among those that the Dockerfile here makes."""
    steps = _steps(subject, subject.dockerfile, subject.engine.dialect if subject.engine else None)
    same = [number for number, item in enumerate(steps) if (item.text, item.record) == (step.text, step.record)]
    return same[0] if same else None


def _steps(subject: Subject, dockerfile: str, dialect: Dialect | None) -> Sequence[Step]:
    """The steps that a Dockerfile makes in one way of writing; none if it cannot be read."""
    image, cache = subject.image, subject.cache
    if isinstance(image, str) or isinstance(cache, str):
        return ()
    try:
        parsed = dockerfiles.parse(dockerfile)
        base = base_image(parsed, image, subject.base, cache, subject.platform)
        return plan(parsed, base, dialect, lambda copy: None).steps
    except LabError:
        return ()


def _before(dockerfile: str, number: int) -> list[str]:
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


def _changed(theirs: Sequence[str], ours: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines that only one side has, in their order."""
    gone: list[str] = []
    new: list[str] = []
    for word, start, end, begin, stop in SequenceMatcher(None, theirs, ours, autojunk=False).get_opcodes():
        if word != "equal":
            gone += theirs[start:end]
            new += ours[begin:stop]
    return gone, new
