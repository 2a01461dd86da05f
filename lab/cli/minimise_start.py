"""Where `lab minimise` starts, from the words of its command line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli.own_project import bases_of
from lab.errors import ConfigError, UsageError, did_you_mean

if TYPE_CHECKING:
    from lab.project import Project
    from lab.results.run import Run
    from lab.run.minimise.bench import Ends
    from lab.run.minimise.candidate import Candidate


@dataclass(frozen=True, slots=True)
class OwnBuild:
    """What the command line says of a project."""

    context: Path | None
    file: Path | None
    build_args: tuple[str, ...]
    target: str | None
    stub_runs: bool
    bases: tuple[str, ...]
    on: str | None


def start_of(
    name: str | None, trial: str | None, variation: str | None, own: OwnBuild, asked: Ends, lineup: str | None
) -> tuple[Candidate, Ends, str | None]:
    """Where to start, the ends, and the lineup; errors in what the user named are found before a box is touched."""
    from lab.project import find
    from lab.run.minimise.start import from_scenario
    from lab.run.scenarios import find as find_scenario
    from lab.run.scenarios import load_scenario

    project = find()
    if (name is None) == (own.context is None):
        raise UsageError(
            "cannot find what to minimise: name a run, a case, or a folder with --context",
            hint="`python -m lab cases` lists the cases, `python -m lab runs` the runs",
        )
    if own.context is not None:
        return _of_project(own, variation, project.boxes), asked, lineup
    assert name is not None
    if wrong := next((option for option in ("file", "build_args", "target", "on") if getattr(own, option)), None):
        raise UsageError(f"cannot use --{wrong.replace('_args', '-arg')} without --context")
    run = _run_named(name, project.results)
    if run is not None:
        return _of_run(run, trial, variation, asked, lineup)
    if trial:
        raise UsageError(f'cannot find the run "{name}", to which --trial belongs')
    try:
        folder = find_scenario(name, project.scenarios)
    except UsageError as error:
        raise _neither(name, project) from error
    if variation is None:
        defaults = [item.name for item in load_scenario(folder, "scratch").file.variations if item.default]
        variation = defaults[0] if defaults else "none"
    return from_scenario(folder, variation), asked, lineup


def _neither(name: str, project: Project) -> UsageError:
    """The error for a name of no run and no case."""
    from lab.results.shelf import summaries

    cases = sorted(path.parent.name for path in project.scenarios.glob("*/scenario.yaml"))
    runs = [item.name for item in summaries(project.results)]
    return UsageError(
        f'cannot find "{name}": it is the name of no run and of no case{did_you_mean(name, [*cases, *runs])}',
        hint="`python -m lab runs` lists the runs, `python -m lab cases` the cases; --context DIR names a project",
    )


def _of_project(own: OwnBuild, variation: str | None, boxes: Path) -> Candidate:
    from lab.buildkit.rulebook import Rulebook
    from lab.run.minimise.differences import axis_names, variations_of
    from lab.run.minimise.start import from_project
    from lab.run.own_project.project import read_project
    from lab.run.own_project.request import Request

    assert own.context is not None
    bases = bases_of(own.bases)
    read = read_project(
        Request(own.context, own.file, own.build_args, own.target, stub_runs=own.stub_runs, bases=bases)
    )
    rules = Rulebook(boxes).newest
    if variation is None:
        known = ", ".join(dict.fromkeys((*variations_of(read, rules, own.on), *axis_names())))
        raise UsageError("cannot minimise a project without --variation", hint=f"variations: {known}")
    return from_project(read, variation, rules, own.on)


def _run_named(name: str, results: Path) -> Run | None:
    """The stored run of that name or folder; None if the name is none of a run."""
    from lab.results.run import load

    folder = Path(name) if (Path(name) / "run.json").is_file() else results / name
    return load(folder) if (folder / "run.json").is_file() else None


def _of_run(
    run: Run, name: str | None, variation: str | None, asked: Ends, lineup: str | None
) -> tuple[Candidate, Ends, str | None]:
    """The start from a trial of a run: from the records of both sides, which the run holds."""
    from lab.buildkit.rulebook import Rulebook
    from lab.explain.subject import subject
    from lab.model import CONTROL
    from lab.project import find
    from lab.run.minimise.choosing import ends_of, trial_of
    from lab.run.minimise.start import from_scenario, from_trial

    trial = trial_of(run, name or (f"*:{variation}" if variation else None))
    ends = ends_of(trial)
    given = {key: value for key in ("producer", "consumer", "producer_engine") if (value := getattr(asked, key))}
    project = find()
    try:
        candidate = from_trial(subject(run, trial, Rulebook(project.boxes)), boxes=variation == CONTROL)
    except ConfigError:  # what differs is not in the files, such as an edit of the Dockerfile: the scenario has it
        if not (project.scenarios / run.scenario / "scenario.yaml").is_file():
            raise
        candidate = from_scenario(project.scenarios / run.scenario, trial.variation)
    if candidate.is_varied and trial.variation == CONTROL:  # the files of the other box are a change on the first one
        ends = replace(ends, consumer=ends.producer)
    return candidate, replace(ends, **given), lineup or run.lineup
