"""The kinds of step by their names in YAML: a new kind is one file here and one line in this table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from lab.results.sequence import SequenceStep
from lab.run.steps.build import Build
from lab.run.steps.change import ChangeStep
from lab.run.steps.inspect import Inspect
from lab.run.steps.kind import Known, Step
from lab.run.steps.load import Load
from lab.run.steps.prune import Prune
from lab.run.steps.pull import Pull
from lab.run.steps.push import Push
from lab.run.steps.restart import Restart
from lab.run.steps.save import Save
from lab.run.steps.serve import Serve
from lab.run.steps.tag import Tag
from lab.run.steps.vary import Vary
from lab.run.steps.wait import Wait
from lab.run.steps.work import ABSENT, IMAGE, Side
from lab.yamlfile import OneOf


class NamedStep(OneOf):
    """One step of a sequence, as YAML writes it: a mapping with one key."""

    build: Build | None = None
    push: Push | None = None
    pull: Pull | None = None
    tag: Tag | None = None
    prune: Prune | None = None
    save: Save | None = None
    load: Load | None = None
    change: ChangeStep | None = None
    vary: Vary | None = None
    restart: Restart | None = None
    serve: Serve | None = None
    wait: Wait | None = None
    inspect: Inspect | None = None

    @property
    def step(self) -> Step:
        """The step itself."""
        return cast(Step, self.value)


EMPTYING = ("all", "builder-all")  # scopes of a prune after which an engine has no build cache
# The bug report's sequence. The prune that each side begins with belongs to every sequence, and is no step of it.
USUAL: tuple[NamedStep, ...] = (
    NamedStep(build=Build(side="producer")),
    NamedStep(push=Push(side="producer")),
    NamedStep(prune=Prune(side="producer")),
    NamedStep(build=Build(cache_from=(IMAGE,))),
)


# A build's options, a change and what is expected are stored with each build, so the stored sequence leaves them out.
STORED_ELSEWHERE = {"side", "arguments", "flags", "make", "expect", "exceptions"}


def stored(sequence: Sequence[NamedStep]) -> tuple[SequenceStep, ...]:
    """Return the steps as a run stores them."""
    return tuple(
        SequenceStep(
            step=item.kind,
            side=item.step.side,
            values=item.step.model_dump(mode="json", exclude_defaults=True, exclude=STORED_ELSEWHERE),
        )
        for item in sequence
    )


def problem_of(sequence: Sequence[NamedStep], count: int) -> tuple[int | None, str] | None:
    """Return what is wrong with a sequence for a Dockerfile with `count` steps; None if it can be made.

    It is the place of the step in the sequence, if one step is wrong, and the problem in words.
    """
    known, seen = Known(count), set[Side]()
    for number, item in enumerate(sequence):
        try:
            if item.step.side == "producer" and "consumer" in seen:
                raise ValueError("a step of the producer cannot come after one of the consumer")
            item.step.check(known)
        except ValueError as error:
            return number, f"step {number + 1} of the sequence ({item.kind}): {error}"
        seen.add(item.step.side)
    return None if known.built["consumer"] else (None, "the sequence has no build of the consumer")


def why_unpredictable(sequence: Sequence[NamedStep]) -> str | None:
    """Return why the last build of the consumer cannot be predicted from the producer's image; None if it can be.

    A prediction holds for an engine that was pruned, and for the inline cache of the producer's last image alone.
    """
    empty, last, pushed = True, None, set[Side]()
    for step in (item.step for item in sequence):
        if isinstance(step, Build) and step.side == "consumer":
            last = step if empty else None
            sources = [source for source in step.cache_from if source != ABSENT]
        if step.side == "consumer" and isinstance(step, (Build, Pull, Load)):
            empty = False
        if step.side == "consumer" and isinstance(step, Prune):
            empty = empty or step.scope in EMPTYING
        if isinstance(step, Push) and step.image == IMAGE:
            pushed.add(step.side)
    if last is None:
        return "the engine holds what it has built or loaded before"
    if any(isinstance(item.step, Build) and item.step.builder for item in sequence):
        return "the sequence builds with a builder that is not the trial's"
    if any(isinstance(item.step, Build) and item.step.images for item in sequence):
        return "the build uses an image that the sequence makes, which lab does not read"
    if sources != [IMAGE] or pushed != {"producer"} or last.context != "." or last.file or last.tar:
        return "the build uses another cache or context than the producer's last image"
    return None


def steps_of(sequence: Sequence[NamedStep], side: Side) -> list[Step]:
    """Return the steps of one side in order; the variation's change is among those of the consumer, or of its side."""
    steps = [item.step for item in sequence if item.step.side == side]
    if side == "consumer" and not any(isinstance(item.step, Vary) for item in sequence):
        last = max(number for number, step in enumerate(steps) if isinstance(step, Build))
        steps.insert(last, Vary())
    return steps
