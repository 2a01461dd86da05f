"""What a solver finds in an inline cache: for each step hit or ran, or unknown where the facts do not carry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from lab.cachekeys.definition import source_record
from lab.cachekeys.inline import InlineCache
from lab.cachekeys.plan import Plan, Step
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
    """The records that may stand for the step before; `certain` if one of them surely does."""

    numbers: frozenset[int]
    certain: bool


def solve(cache: InlineCache, planned: Plan) -> list[Decision]:
    """Decide each step in order, given the cache of one image and nothing local."""
    parent, lost = _base(cache, planned)
    decisions: list[Decision] = []
    for step in planned.steps:
        if lost is Reason.PARENT:
            decisions.append(Decision(step, Outcome.RAN, Reason.PARENT, "the step before it ran, so its key is new"))
            continue
        if lost is Reason.BASE and not step.alone:
            sentence = "the base image's layers are not those that the cache begins with"
            decisions.append(Decision(step, Outcome.RAN, Reason.BASE, sentence))
            lost = Reason.PARENT
            continue
        decision, parent = _decide(cache, step, parent)
        decisions.append(decision)
        lost = Reason.PARENT if decision.outcome is Outcome.RAN else None
    return decisions


def _base(cache: InlineCache, planned: Plan) -> tuple[_Parent, Reason | None]:
    if planned.base.scratch:
        return _Parent(frozenset(), True), None
    if planned.base.diff_ids is None:
        return _Parent(frozenset(range(len(cache.records))), False), None
    numbers = cache.numbers(source_record(planned.base.diff_ids))
    return _Parent(frozenset(numbers), True), None if numbers else Reason.BASE


def _decide(cache: InlineCache, step: Step, parent: _Parent) -> tuple[Decision, _Parent]:
    """One step whose parent may have been found."""
    if step.record is not None and not cache.numbers(step.record):
        return _ran(step, Reason.DEFINITION, "no step with this definition is in the cache")
    if step.needs_content and step.content is not None and not cache.numbers(step.content):
        return _ran(step, Reason.CONTENT, "the digest of its files is not in the cache")
    if step.record is None:  # what it links to is not known either
        anything = _Parent(frozenset(range(len(cache.records))), False)
        return Decision(step, Outcome.UNKNOWN, Reason.UNCLEAR, step.unclear or "its definition is not known"), anything
    fitting = frozenset(number for number in cache.numbers(step.record) if _fits(cache, number, step, parent))
    if not fitting:
        return _ran(step, Reason.LINK, "the cache has no such step after this parent with these files")
    sure = parent.certain and step.unclear is None
    if not sure:
        why = step.unclear or "whether the step before it is found is not known"
        return Decision(step, Outcome.UNKNOWN, Reason.UNCLEAR, why), _Parent(fitting, False)
    if not any(cache.records[number].has_result for number in fitting):
        sentence = "it is in the cache without a layer to load"
        return Decision(step, Outcome.UNKNOWN, Reason.NO_RESULT, sentence), _Parent(fitting, False)
    found = Decision(step, Outcome.HIT, Reason.LISTED, "its record is in the cache after this parent")
    return found, _Parent(fitting, True)


def _ran(step: Step, reason: Reason, sentence: str) -> tuple[Decision, _Parent]:
    return Decision(step, Outcome.RAN, reason, sentence), _Parent(frozenset(), False)


def _fits(cache: InlineCache, number: int, step: Step, parent: _Parent) -> bool:
    """True if the record links to the parent at its first input and to the step's content at its last."""
    inputs = cache.records[number].inputs
    if len(inputs) != (not step.alone) + (step.copy is not None):
        return False
    if not step.alone and not any(
        link.number in parent.numbers and link.selector == step.selector for link in inputs[0]
    ):
        return False
    if not (step.needs_content and step.content):
        return True
    known = frozenset(cache.numbers(step.content))
    return any(link.number in known and not link.selector for link in inputs[-1])


def outcomes(decisions: Iterable[Decision]) -> tuple[Outcome, ...]:
    """The outcomes alone, in order."""
    return tuple(decision.outcome for decision in decisions)
