"""Predicts what BuildKit's solver finds in an inline cache: each step is hit, ran, or unknown if facts are missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.cachekeys.definition import pinned_record, source_record
from lab.buildkit.cachekeys.plan import Plan, Step
from lab.buildkit.cachekeys.state import BaseImage
from lab.model import Outcome


class Reason(StrEnum):
    """The reason for a step's prediction."""

    LISTED = "listed"  # its record is in the cache, has a result, and is linked to its parent's record
    PARENT = "parent"  # its parent missed
    BASE = "base"  # the base image's record is not in the cache
    DEFINITION = "definition"  # its own definition is not in the cache
    CONTENT = "content"  # the digest of its files is not in the cache
    LINK = "link"  # both are in the cache, but not linked to this parent
    NO_RESULT = "no result"  # its record has no layer that can be loaded
    UNCLEAR = "unclear"  # a fact that decides the outcome is not known


@dataclass(frozen=True, slots=True)
class Decision:
    """One step's predicted outcome, its reason, and a sentence that explains the reason.

    `lost_parent` is the number of the step, among those on which it depends directly, that is predicted to run; None
    if there is none.
    """

    step: Step
    outcome: Outcome
    reason: Reason
    sentence: str
    lost_parent: int | None = None


@dataclass(frozen=True, slots=True)
class _Parent:
    """The records that are known to be those of the step before, and all that may be, which include the known ones."""

    sure: frozenset[int]
    maybe: frozenset[int]


def solve(caches: Sequence[Cache], planned: Plan) -> list[Decision]:
    """Predict each step in order, for a builder that has these caches and no local cache.

    If the files of one COPY have no digest, every step is unknown: the build fails, and the output for the other steps
    depends on how far each of them was.
    """
    failing = next((step for step in planned.steps if step.fails), None)
    if failing:
        return [_unknown(step, f"the build fails: {failing.unclear}") for step in planned.steps]
    if len(caches) != 1:
        return [_one_of_many(caches, step) for step in planned.steps]
    [cache] = caches
    decisions: list[Decision] = []
    parents: list[_Parent] = []
    for step in planned.steps:
        lost = next((place for place in step.parents if decisions[place].outcome is Outcome.RAN), None)
        if lost is not None:
            sentence = "a step on which it depends ran, so its key is new"
            decision, parent = Decision(step, Outcome.RAN, Reason.PARENT, sentence, lost), _NOTHING
        else:
            above = _base(cache, step.base) if step.base else parents[step.parents[0]]
            decision, parent = _decide(cache, step, above)
        decisions.append(decision)
        parents.append(parent)
    return decisions


_NOTHING = _Parent(frozenset(), frozenset())


def _one_of_many(caches: Sequence[Cache], step: Step) -> Decision:
    if not caches:
        return Decision(step, Outcome.RAN, Reason.DEFINITION, "there is no cache")
    return _unknown(step, "lab does not support several caches")


def _base(cache: Cache, base: BaseImage) -> _Parent:
    """Return the records of FROM: by its layers, and by the digests of its manifests."""
    sure: set[int] = set()
    if base.diff_ids:
        sure |= set(cache.numbers(source_record(base.diff_ids)))
    for manifest in base.manifests:
        sure |= set(cache.numbers(pinned_record(manifest, base.os, base.arch)))
    roots = {number for number, item in enumerate(cache.records) if not item.inputs}
    known = base.scratch or (base.diff_ids is not None and base.manifests)
    return _Parent(frozenset(sure), frozenset(sure if known else sure | roots))


def _decide(cache: Cache, step: Step, parent: _Parent) -> tuple[Decision, _Parent]:
    """Decide a step whose parent may be in the cache; return also the records of this step."""
    if not step.alone and not parent.maybe:
        return _ran(step, Reason.BASE, "the cache does not begin with this base image")
    if step.record is not None and not cache.numbers(step.record):
        return _ran(step, Reason.DEFINITION, "no step with this definition is in the cache")
    if step.needs_content and step.content is not None and not cache.numbers(step.content):
        return _ran(step, Reason.CONTENT, "the digest of its files is not in the cache")
    if step.record is None:  # then its record, and the records linked to it, are not known either
        anything = _Parent(frozenset(), frozenset(range(len(cache.records))))
        return _unknown(step, step.unclear or "its definition is not known"), anything
    candidates = cache.numbers(step.record)
    maybe = frozenset(number for number in candidates if _fits(cache, number, step, parent.maybe))
    if not maybe:
        return _ran(step, Reason.LINK, "the cache has no step with this definition and these files after this parent")
    sure = frozenset(number for number in maybe if _fits(cache, number, step, parent.sure))
    if step.unclear or not sure:
        why = step.unclear or "it is not known whether the step before it is in the cache"
        return _unknown(step, why), _Parent(frozenset(), maybe)
    if not any(cache.records[number].has_result for number in sure):
        sentence = "its record is in the cache, but it has no layer that can be loaded"
        return Decision(step, Outcome.UNKNOWN, Reason.NO_RESULT, sentence), _Parent(frozenset(), maybe)
    return Decision(step, Outcome.HIT, Reason.LISTED, "its record is in the cache after this parent"), _Parent(
        sure, maybe
    )


def _ran(step: Step, reason: Reason, sentence: str) -> tuple[Decision, _Parent]:
    return Decision(step, Outcome.RAN, reason, sentence), _Parent(frozenset(), frozenset())


def _unknown(step: Step, sentence: str) -> Decision:
    return Decision(step, Outcome.UNKNOWN, Reason.UNCLEAR, sentence)


def _fits(cache: Cache, number: int, step: Step, parents: frozenset[int]) -> bool:
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
    """Return the outcomes of the decisions, in order."""
    return tuple(decision.outcome for decision in decisions)
