"""What a solver finds in an inline cache: for each step hit or ran, or unknown where the facts do not carry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from lab.buildkit.cachekeys.definition import pinned_record, source_record
from lab.buildkit.cachekeys.inline import InlineCache
from lab.buildkit.cachekeys.plan import Plan, Step
from lab.buildkit.cachekeys.state import BaseImage
from lab.model import Outcome


class Reason(StrEnum):
    """Why a step is predicted so."""

    LISTED = "listed"  # its record is in the cache and linked to its parent's, with a result
    PARENT = "parent"  # its parent missed
    BASE = "base"  # the base image's record is not in the cache
    DEFINITION = "definition"  # its own definition is not in the cache
    CONTENT = "content"  # the digest of its files is not in the cache
    LINK = "link"  # both are in the cache, but not together after this parent
    NO_RESULT = "no result"  # its record is there without a layer to load
    UNCLEAR = "unclear"  # the facts do not carry


@dataclass(frozen=True, slots=True)
class Decision:
    """One step's predicted outcome, the reason, and that reason in words."""

    step: Step
    outcome: Outcome
    reason: Reason
    sentence: str


@dataclass(frozen=True, slots=True)
class _Parent:
    """The records that surely stand for the step before, and those that may, which are at least these."""

    sure: frozenset[int]
    maybe: frozenset[int]


def solve(cache: InlineCache, planned: Plan) -> list[Decision]:
    """Decide each step in order, given the cache of one image and nothing local.

    Where the files of one COPY have no digest nothing is predicted: the build fails, and what it prints of the other
    steps depends on how far each had come.
    """
    failing = next((step for step in planned.steps if step.fails), None)
    if failing:
        return [_unknown(step, f"the build cannot go on: {failing.unclear}") for step in planned.steps]
    parent = _base(cache, planned.base)
    decisions: list[Decision] = []
    lost = False
    for step in planned.steps:
        if lost:
            decisions.append(Decision(step, Outcome.RAN, Reason.PARENT, "the step before it ran, so its key is new"))
        else:
            decision, parent = _decide(cache, step, parent)
            decisions.append(decision)
            lost = decision.outcome is Outcome.RAN
    return decisions


def _base(cache: InlineCache, base: BaseImage) -> _Parent:
    """The records of FROM: by its layers, and by the digest that its name leads to."""
    sure: set[int] = set()
    if base.diff_ids:
        sure |= set(cache.numbers(source_record(base.diff_ids)))
    for manifest in base.manifests:
        sure |= set(cache.numbers(pinned_record(manifest, base.os, base.arch)))
    roots = {number for number, item in enumerate(cache.records) if not item.inputs}
    known = base.scratch or (base.diff_ids is not None and base.manifests)
    return _Parent(frozenset(sure), frozenset(sure if known else sure | roots))


def _decide(cache: InlineCache, step: Step, parent: _Parent) -> tuple[Decision, _Parent]:
    """One step whose parent may have been found."""
    if not step.alone and not parent.maybe:
        return _ran(step, Reason.BASE, "the base image is not the one that the cache begins with")
    if step.record is not None and not cache.numbers(step.record):
        return _ran(step, Reason.DEFINITION, "no step with this definition is in the cache")
    if step.needs_content and step.content is not None and not cache.numbers(step.content):
        return _ran(step, Reason.CONTENT, "the digest of its files is not in the cache")
    if step.record is None:  # what it links to is not known either
        anything = _Parent(frozenset(), frozenset(range(len(cache.records))))
        return _unknown(step, step.unclear or "its definition is not known"), anything
    candidates = cache.numbers(step.record)
    maybe = frozenset(number for number in candidates if _fits(cache, number, step, parent.maybe))
    if not maybe:
        return _ran(step, Reason.LINK, "the cache has no such step after this parent with these files")
    sure = frozenset(number for number in maybe if _fits(cache, number, step, parent.sure))
    if step.unclear or not sure:
        why = step.unclear or "whether the step before it is found is not known"
        return _unknown(step, why), _Parent(frozenset(), maybe)
    if not any(cache.records[number].has_result for number in sure):
        sentence = "it is in the cache without a layer to load"
        return Decision(step, Outcome.UNKNOWN, Reason.NO_RESULT, sentence), _Parent(frozenset(), maybe)
    return Decision(step, Outcome.HIT, Reason.LISTED, "its record is in the cache after this parent"), _Parent(
        sure, maybe
    )


def _ran(step: Step, reason: Reason, sentence: str) -> tuple[Decision, _Parent]:
    return Decision(step, Outcome.RAN, reason, sentence), _Parent(frozenset(), frozenset())


def _unknown(step: Step, sentence: str) -> Decision:
    return Decision(step, Outcome.UNKNOWN, Reason.UNCLEAR, sentence)


def _fits(cache: InlineCache, number: int, step: Step, parents: frozenset[int]) -> bool:
    """True if the record links to a parent at its first input and to the step's content at its last."""
    inputs = cache.records[number].inputs
    if len(inputs) != (not step.alone) + (step.copy is not None):
        return False
    if not step.alone and not any(link.number in parents and link.selector == step.selector for link in inputs[0]):
        return False
    if not (step.needs_content and step.content):
        return True
    known = frozenset(cache.numbers(step.content))
    return any(link.number in known and not link.selector for link in inputs[-1])


def outcomes(decisions: Iterable[Decision]) -> tuple[Outcome, ...]:
    """The outcomes alone, in order."""
    return tuple(decision.outcome for decision in decisions)
