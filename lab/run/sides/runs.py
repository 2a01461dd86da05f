"""The contexts that a stored run holds, found by the name of a trial or of a box."""

from __future__ import annotations

from pathlib import Path

from lab.counting import counted
from lab.errors import LabError, UsageError, did_you_mean
from lab.explain.side_by_side import recorded
from lab.model import CONTROL
from lab.project import Project
from lab.report import bundle
from lab.results.contexts import StoredContext, load_context
from lab.results.run import Run, load


def run_named(project: Project, name: str) -> Run | None:
    """The stored run of that name, in that folder or in that file of a bundle; None if it is none of these.

    An error of lab's if there is a run and it cannot be read.
    """
    if not name:
        return None
    path = Path(name)
    for folder in (path, project.results / name):
        if (folder / "run.json").is_file():
            return load(folder)
    return bundle.read(path).evidence().run if path.is_file() else None


def boxes_of(run: Run) -> list[str]:
    """The names of the boxes of which the run may hold a context."""
    return sorted({item.producer for item in run.productions} | {item.consumer for item in run.trials})


def context_in(run: Run, name: str) -> StoredContext:
    """The context of a trial's consumer, or of a box (as BOX or BOX:VARIATION); UsageError if the run has none."""
    trials = {trial.name: trial for trial in run.trials if trial.name == name or trial.key.matches(name)}
    contexts = {trial.context for trial in trials.values()}
    if len(contexts) > 1:
        raise UsageError(
            f'cannot choose a trial by "{name}": {counted(len(trials), "trial")} of {run.name} match, '
            "with different files",
            hint=f"name one of them, such as {next(iter(trials))}",
        )
    if trials:
        found = load_context(run, contexts.pop())
        if isinstance(found, str):
            raise UsageError(
                f"cannot compare {name} in {run.name}: {found}", hint="a newer run, made by `repro`, has them"
            )
        return found
    box, _, variation = name.partition(":")
    try:
        return recorded(run, box, variation or CONTROL)
    except LabError:
        if ">" not in name:
            raise
    known = [trial.name for trial in run.trials]
    raise UsageError(
        f'cannot find the trial "{name}" in {run.name}{did_you_mean(name, known)}',
        hint=f"trials: {', '.join(known[:4])}{' ..' if len(known) > 4 else ''}",
    )
