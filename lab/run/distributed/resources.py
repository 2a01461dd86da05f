"""The names of the resources that a worker offers to a Dask scheduler, and those that a cell needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.machines.ready import Ready
from lab.run.builders.table import BUILDERS, USUAL, split


def of_box(box: str) -> str:
    """The resource that a worker has once for each of its boxes, so that a box makes one cell at a time."""
    return f"box:{box}"


def needed(box: str, engine: str) -> dict[str, float]:
    """What a cell needs that runs on a box with an engine, by the engine's name in a run.

    An engine and a builder are those of one box: `engine:BOX/ENGINE`, `builder:BOX/ENGINE/BUILDER`. Dask counts the
    resources of a worker together, and a worker may have several boxes with different engines.
    """
    name, builder, _ = split(engine)
    found = {of_box(box): 1.0, f"engine:{box}/{name}": 1.0}
    return found | ({f"builder:{box}/{name}/{builder}": 1.0} if builder else {})


def offered(ready: Iterable[Ready]) -> dict[str, float]:
    """What a worker offers that owns these boxes: each box, its engines, and the builders that fit each engine."""
    found: dict[str, float] = {}
    for item in ready:
        found[of_box(item.box.name)] = 1.0
        for engine in item.engines:
            found[f"engine:{item.box.name}/{engine.name}"] = 1.0
            for name, builder in BUILDERS.items():
                fits = builder.client == engine.program and (engine.has_buildx or not builder.needs_buildx)
                if fits and name not in USUAL.values():
                    found[f"builder:{item.box.name}/{engine.name}/{name}"] = 1.0
    return found


def offers(resources: Mapping[str, float], wanted: Mapping[str, float]) -> bool:
    """True if a worker with these resources can ever run a cell that needs the wanted ones."""
    return all(resources.get(name, 0) >= amount for name, amount in wanted.items())
