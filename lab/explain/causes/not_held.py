"""The cache knows the key of a step, and holds no layer of it."""

from __future__ import annotations

from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.cachekeys.solver import Reason
from lab.explain.explanation import Role, StepCause
from lab.explain.miss import Miss

ADVICE = (
    "export the cache of all stages with --cache-to type=registry,ref=...,mode=max and name it with --cache-from: an "
    "inline cache cannot hold another stage"
)


def cause(miss: Miss) -> StepCause | None:
    """The cause where the key is in the inline cache of an image whose layers are those of other steps."""
    decision, cache = miss.decision, miss.subject.cache
    if decision is None or decision.reason is not Reason.NO_RESULT or not isinstance(cache, Cache):
        return None
    stage = f" of stage {decision.step.stage}" if decision.step.stage else ""
    record = decision.step.record
    kind = "a cache exported with mode=min" if miss.subject.exported else "an inline cache"
    return StepCause(
        miss.text,
        Role.NOT_HELD,
        f"its key is in the cache, but {kind} holds only the layers of the image itself, so a step{stage} "
        "runs wherever its result is needed",
        evidence=(f"the record of its definition is in {miss.subject.where}, without a layer: {record}",),
        advice=ADVICE,
    )
