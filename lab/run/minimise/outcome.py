"""What came of a search, as the report takes it: the smallest candidate, the stored run of it, and its cause."""

from __future__ import annotations

import os
from pathlib import Path

from lab.buildkit.rulebook import Rulebook
from lab.explain.steps import explain
from lab.explain.subject import subject
from lab.explain.upstream import Upstream
from lab.model import CONTROL
from lab.report.minimised import NAMES, Minimised
from lab.results.run import Run, Trial
from lab.run.minimise.bench import TRIALS, Seen
from lab.run.minimise.parts import together, value_of
from lab.run.minimise.search import Search, Step
from lab.run.minimise.state import SCENARIO


def of_search(search: Search, run: Run, place: Path, folder: Path, boxes: Path) -> Minimised:
    """The result of a search, whose smallest candidate a stored run at `place` has built once more."""
    best = search.best
    reference, other = _pair(run, best.variation)
    seen = Seen() if reference is None or other is None else _seen(run, reference, other)
    explanation = explain(subject(run, other, Rulebook(boxes)), Upstream(boxes)) if other else None
    ends = other or (run.trials[0] if run.trials else None)
    return Minimised(
        name=best.name,
        variation=best.variation,
        difference=str(search.wanted),
        producer=f"{ends.producer} with {ends.producer_engine or ends.engine}" if ends else "",
        consumer=f"{ends.consumer} with {ends.engine}" if ends else "",
        before=search.start.counts,
        after=best.counts,
        removed=[removed(step) for step in search.steps],
        dockerfile=best.build.dockerfile,
        files=list(best.files),
        changes=[f"{item.kind}: {value_of(item)}" for item in together(best.build.change)],
        prepared=[f"{item.kind}: {value_of(item)}" for item in together(best.build.prepare)],
        trials=search.trials + TRIALS,
        predicted=search.predicted,
        seconds=sum(answer.seconds for answer in search.answers.values()),
        complete=not search.spent,
        verified=search.wanted in seen.differences,
        run=place.name,
        folder=str(folder),
        scenario=_short(folder / SCENARIO),
        explanation=explanation,
    )


def removed(step: Step) -> str:
    """What one kind of reduction did, in one line."""
    both = {name: (step.before[name], step.after[name]) for name in step.before}
    parts = [f"{first} to {now} {NAMES[name]}" for name, (first, now) in both.items() if now < first]
    note = "; the engine contradicted a prediction, and decided each candidate" if step.contradicted else ""
    return f"{step.name}: {', '.join(parts) or 'other words'}{note}"


def _pair(run: Run, variation: str) -> tuple[Trial | None, Trial | None]:
    """The reference and the trial with the difference."""
    if variation == CONTROL:
        own = [trial for trial in run.trials if trial.producer == trial.consumer and trial.producer_engine is None]
        others = [trial for trial in run.trials if trial not in own]
        return next(iter(own), None), next(iter(others), None)
    found = {trial.variation: trial for trial in run.trials}
    return found.get(CONTROL), found.get(variation)


def _seen(run: Run, reference: Trial, other: Trial) -> Seen:
    if reference.build is None or other.build is None:
        return Seen()
    return Seen(
        steps=run.instructions,
        reference=tuple(step.outcome for step in reference.build.steps),
        subject=tuple(step.outcome for step in other.build.steps),
    )


def _short(path: Path) -> str:
    """The path from the current folder, where it is below it; with a ./ in front, since a bare word is a name."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else f"./{relative}"
