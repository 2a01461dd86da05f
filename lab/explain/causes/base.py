"""The base image is not the one that the cache begins with."""

from __future__ import annotations

from lab.buildkit.cachekeys.definition import source_record
from lab.buildkit.cachekeys.solver import Reason
from lab.counting import counted
from lab.explain.explanation import Role, StepCause
from lab.explain.miss import Miss

ADVICE = (
    "name the base image by its digest (FROM image@sha256:..) on both sides, then build and push the cache image again"
)


def cause(miss: Miss) -> StepCause | None:
    """The cause where the record of FROM is not in the cache."""
    if miss.predicted is None or miss.reason is not Reason.BASE:
        return None
    base = miss.subject.base
    lines = []
    if base and base.diff_ids:
        lines.append(f"the base here has {counted(len(base.diff_ids), 'layer')}, the last {base.diff_ids[-1]}")
        record = source_record(base.diff_ids)
        lines.append(f"the record of these layers, not in {miss.subject.where}: {record}")
    return StepCause(miss.text, Role.CAUSE, miss.predicted.sentence, evidence=tuple(lines), advice=ADVICE)
