"""The steps of a BuildKit build, from its vertexes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lab.buildkit.progress.build import Step
from lab.buildkit.progress.doubt import LINK, Failure
from lab.buildkit.progress.names import belongs
from lab.buildkit.progress.vertex import Vertex
from lab.model import Outcome

# Of several vertexes of one `COPY --link`, what was run decides: the others are attempts to do without.
WEIGHT = (Outcome.RAN, Outcome.ERROR, Outcome.HIT, Outcome.BASE, Outcome.UNKNOWN)
Place = tuple[str | None, str | None]


def steps_of(vertexes: Iterable[Vertex], targets: set[str], failure: Failure) -> list[Step]:
    """All steps, one for each instruction: stages in order of first sight, the steps of a stage by index."""
    steps: list[Step] = []
    linked: dict[tuple[object, ...], int] = {}
    for vertex in vertexes:
        step = _step(vertex, targets, failure)
        if step is None:
            continue
        if LINK.match(step.instruction):
            key = (step.targets, step.stage, step.index, step.total, step.instruction)
            if (at := linked.setdefault(key, len(steps))) < len(steps):
                steps[at] = min(step, steps[at], key=lambda one: WEIGHT.index(one.outcome))
                continue
        steps.append(step)
    return _in_order(_with_targets(steps))


def _step(vertex: Vertex, targets: set[str], failure: Failure) -> Step | None:
    if not vertex.name.is_step:
        return None
    names = [belongs(name, targets) for name in vertex.names]
    shared = tuple(dict.fromkeys(name.target for name in names if name.target))
    return vertex.as_step(names[0], shared, failure.reason(vertex))


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
