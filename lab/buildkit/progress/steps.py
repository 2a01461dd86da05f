"""The steps of a BuildKit build, from its vertexes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lab.buildkit.progress.build import Step
from lab.buildkit.progress.doubt import Failure
from lab.buildkit.progress.parts import downloads_of, works_of
from lab.buildkit.progress.proof import Proof
from lab.buildkit.progress.vertex import Vertex

Place = tuple[str | None, str | None]


def steps_of(vertexes: Sequence[Vertex], targets: set[str], failure: Failure) -> list[Step]:
    """All steps, one for each instruction: stages in order of first sight, the steps of a stage by index."""
    works = works_of(vertexes, targets)
    failure.look_at(vertexes, downloads_of(works))
    found = [(work, work.step(targets, failure)) for work in works]
    proof = Proof(found)
    return _in_order(_with_targets([proof.judged(work, step) for work, step in found]))


def _with_targets(steps: list[Step]) -> list[Step]:
    """bake leaves the target out before `COPY --link`: it is that of the other steps of the stage, if it is one."""
    owners: dict[tuple[str | None, int], set[tuple[str, ...]]] = {}
    for step in steps:
        if step.targets and step.stage:
            owners.setdefault((step.stage, step.total), set()).add(step.targets)
    found = []
    for step in steps:
        mine = owners.get((step.stage, step.total), set())
        lone = not step.targets and step.stage is not None and len(mine) == 1
        found.append(replace(step, targets=next(iter(mine))) if lone else step)
    return found


def _in_order(steps: list[Step]) -> list[Step]:
    ranks: dict[Place, int] = {}
    for step in steps:
        ranks.setdefault(_place(step), len(ranks))
    return sorted(steps, key=lambda step: (ranks[_place(step)], step.index))


def _place(step: Step) -> Place:
    return (step.targets[0] if step.targets else None, step.stage)
