"""Gathers what the remedies of one run are made from."""

from __future__ import annotations

from collections.abc import Sequence

from lab.explain.plans import steps_here
from lab.explain.remedies.remedy import Sides, sides
from lab.explain.subject import subject
from lab.run.own_project.project import OwnProject
from lab.run.vary.axis import Scene
from lab.run.vary.bench import Bench
from lab.run.vary.remedies.candidate import Ground, Missed


def ground_of(bench: Bench, scene: Scene, project: OwnProject | None, missed: Sequence[Missed]) -> Ground:
    """Return the ground of the remedies for axes that miss; `project` is the user's own, if that was built."""
    beside = project is not None and project.ignore is not None and bench.place_of_dockerfile.startswith("..")
    there = next((item.content for item in scene.objects if item.path == scene.ignore), None)
    text = there.decode("utf-8", "surrogateescape") if isinstance(there, bytes) else ""
    has_busybox = bench.run.base is not None and bench.run.base.source == "busybox"
    return Ground(
        scene,
        project.text if project else scene.text,
        missed,
        tool="busybox " if has_busybox else "",
        ignored=(project.ignore or "") if beside and project else text,
        ignore_place=f"{bench.place_of_dockerfile}.dockerignore" if beside else scene.ignore,
        sides={item.name: found for item in missed if (found := _sides(bench, item))},
    )


def _sides(bench: Bench, missed: Missed) -> Sides | None:
    """The files of both sides that all steps take, for an axis in which they differ; else None."""
    trial = next((trial for trial in bench.run.trials if trial.variation == missed.name), None)
    if trial is None:
        return None
    found = subject(bench.run, trial, bench.book)
    if found.engine is None or isinstance(found.ours, str) or isinstance(found.theirs, str):
        return None
    queries = [query for step in steps_here(found) if step.taken for query in step.taken.queries]
    rules = found.engine.rules
    both = sides(found.ours.sent_objects, found.theirs.sent_objects, queries, rules, rules)
    return both if both.pairs else None
