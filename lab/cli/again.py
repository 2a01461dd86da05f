"""`repro --from BUNDLE`: another person's run, repeated on the boxes of this checkout and compared trial by trial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.cli.options import Workplace
from lab.cli.own_project import ProjectWords, announce, request_of
from lab.cli.terminal import as_called
from lab.engines.kinds.table import kind_of
from lab.errors import UsageError
from lab.files import is_file
from lab.machines.pack.manifest import NAME, UNFINISHED
from lab.report import bundle
from lab.report.comparison import compare, comparison_text
from lab.report.evidence import Evidence, producer_engine
from lab.results.run import Run
from lab.run.builders.caching import INLINE
from lab.run.builders.table import USUAL, split
from lab.run.own_project.project import OwnProject, read_project
from lab.run.own_project.recorded import recorded_project
from lab.run.own_project.request import Request


@dataclass(frozen=True)
class Theirs:
    """A run from a bundle: the folder with its unpacked scenario or its project, and its options that can be used here.

    `producer_engines` is empty unless consumers rebuilt what other engines built; `base` is set if the run was given
    one. `unknown` lists the engines of the run that no file here describes. `builders` and `caches` are empty for the
    usual ones.
    """

    evidence: Evidence
    scenario: Path
    variations: tuple[str, ...]
    consumer_engines: tuple[str, ...]
    producer_engines: tuple[str, ...]
    base: str | None
    unknown: tuple[str, ...]
    builders: tuple[str, ...] = ()
    caches: tuple[str, ...] = ()
    project: OwnProject | None = None

    def compared_with(self, mine: Path, width: int) -> str:
        """The differences between their run and the one stored in the folder `mine`, trial by trial, as text.

        The run is stored by then, so two runs without a common trial are no error: the text says so.
        """
        try:
            return comparison_text(compare(self.evidence, bundle.evidence_of(mine)), width)
        except UsageError as error:
            return as_called(f"{error.message}; {error.hint}" if error.hint else error.message)


def _check_no_pack(path: Path, place: Workplace) -> None:
    """Raise UsageError for a pack: `up` takes boxes and engines from it."""
    if is_file(path / NAME) or is_file(path / UNFINISHED):
        up = f"python -m lab up --lineup {place.lineup.name} --from {path}"
        raise UsageError(
            f"cannot repeat the run of {path}: it is a pack, and no bundle of a run",
            hint=f"`{up}` takes boxes and engines from it; then `python -m lab repro` runs on them",
        )


@contextmanager
def theirs(path: Path, place: Workplace, own: ProjectWords | None = None) -> Iterator[Theirs]:
    """Open a bundle for the time of the context; UsageError if it has neither a scenario nor a whole project, or if
    `lab vary` made its run.

    `own` has the secrets, keys and named folders of a project, which no bundle holds.
    """
    _check_no_pack(path, place)
    opened = bundle.read(path)
    evidence = opened.evidence()
    run = evidence.run
    if run.vary:
        what = "--context DIR" if run.project else run.scenario
        raise UsageError(
            f"cannot repeat {path}: `python -m lab vary` made the run, whose trials are no variations of a scenario",
            hint=f"`python -m lab vary {what} --engine {run.vary.engine}` varies it again; "
            f"`python -m lab replay {path}` shows the run",
        )
    with TemporaryDirectory(prefix="lab-bundle-") as folder:
        scenario = opened.scenario(Path(folder))
        project = _project(run, Path(folder), own) if run.project else None
        if scenario is None and project is None:
            raise UsageError(
                f"cannot repeat {path}: there is no scenario in it", hint="`python -m lab replay` shows it"
            )
        if own and own.base(of_bundle=project is not None) and project:
            raise UsageError("cannot use --base here: the project of a bundle has the images of its run")
        used = dict.fromkeys(trial.engine for trial in run.trials)
        crossed = any(producer_engine(trial) != trial.engine for trial in run.trials)
        made = dict.fromkeys(producer_engine(trial) for trial in run.trials) if crossed else {}
        parts = {name: split(name) for name in {**used, **made}}
        known = {engine for engine, _, _ in parts.values() if place.catalog.has_engine(engine)}
        yield Theirs(
            evidence,
            scenario or Path(),
            tuple(dict.fromkeys(trial.variation for trial in run.trials)),
            tuple(dict.fromkeys(parts[name][0] for name in used if parts[name][0] in known)),
            tuple(dict.fromkeys(parts[name][0] for name in made if parts[name][0] in known)),
            run.base.reference if run.base and run.base.source == "given" else None,
            tuple(name for name in parts if parts[name][0] not in known),
            _builders([parts[name] for name in parts if parts[name][0] in known], place),
            _caches([cache for _, _, cache in parts.values()]),
            project,
        )


def _project(run: Run, folder: Path, own: ProjectWords | None) -> OwnProject:
    """The project of a run, made again in `folder`, with notes on what differs from that run; prints these."""
    given = request_of(replace(own, bases=()), folder) if own else Request(folder)
    recorded = recorded_project(run, folder, given)
    project = read_project(recorded.request)
    project = replace(project, notes=(*recorded.notes, *project.notes))
    announce(project)
    return project


def _builders(parts: Sequence[tuple[str, str, str]], place: Workplace) -> tuple[str, ...]:
    """The builders of these engines by their names; empty if each is the usual one of its engine."""
    if not any(builder for _, builder, _ in parts):
        return ()
    usual = (builder or USUAL[kind_of(place.catalog.engine(engine)).client] for engine, builder, _ in parts)
    return tuple(dict.fromkeys(usual))


def _caches(kinds: Sequence[str]) -> tuple[str, ...]:
    """These kinds of cache, each once; empty if all are inline."""
    return tuple(dict.fromkeys(kinds)) if set(kinds) - {INLINE} else ()
