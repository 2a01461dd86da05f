"""The verb that opens a shell at a box, and the shell that `repro --debug` opens: with the engine of a trial."""

from __future__ import annotations

import sys
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import click

from lab.boxes.process import run_process
from lab.cli.cleanup import guarded
from lab.cli.options import lineup_option, one_box, verbose_option, workplace
from lab.cli.screen import Screen, screen
from lab.cli.terminal import echo, paint, say
from lab.engines.host import keep, leftovers
from lab.engines.shell import GONE, script
from lab.errors import UsageError
from lab.files import hold
from lab.machines.fleet import Fleet

if TYPE_CHECKING:
    from lab.boxes.base import Box
    from lab.engines.engine import Engine
    from lab.machines.catalog import Catalog
    from lab.project import Project
    from lab.run.at_trial import Place
    from lab.run.manner import Surprise


@click.command(epilog="Example: python -m lab shell debian12-selinux --engine 20.10.24")
@click.argument("name", metavar="BOX")
@click.option("--at", metavar="TRIAL", help="In the folder, engine and environment of this trial of a run with --keep.")
@click.option("--run", "run_name", metavar="RUN", help="The run of that trial; default: the newest one.")
@click.option("--engine", metavar="ENGINE", help="The engine whose client `docker` is; default: the box's first one.")
@lineup_option
@verbose_option
def shell(
    name: str, at: str | None, run_name: str | None, engine: str | None, lineup: str | None, verbose: bool
) -> None:
    """Open a shell on a box in which `docker` is the client of one engine; the engine is started if it is not.

    With --at, the shell is in the folder of a trial's build context. Exits with the status of the shell.
    """
    if engine and at:
        raise UsageError("cannot use --engine with --at: the trial has its engine")
    place = workplace(lineup)
    spec = one_box(place, name)
    where = _place_of(place.project, place.catalog, name, at, run_name) if at else None
    with hold(place.project.state, [spec.name], "shell"):
        with screen(verbose) as shown, guarded(place.project, shown.tell):
            fleet = Fleet(place.project, place.catalog, shown.tell)
            before = leftovers(place.project.state)
            wanted = engine or (where.engine if where else None)
            [ready] = fleet.up(place.lineup.name, [spec], wanted=[wanted] if wanted else [])
        try:
            found = ready.engines[0]
            home = _home(ready.box)
            folder = home / where.folder / "context" if where else None
            say(f"{name}: `{found.program}` is the client of {found.title}; leave the shell to end", err=True)
            status = _open(ready.box, found, folder, where.variables(home) if where else {})
        finally:
            ready.box.close()
            if set(before) & set(leftovers(place.project.state)):
                keep(place.project.state)
            fleet.release_private()
    if status == GONE and where:
        raise UsageError(
            f"cannot open the folder of {at}: {folder} is not on {name}", hint="`python -m lab repro --keep` leaves it"
        )
    sys.exit(status)


def _place_of(project: Project, catalog: Catalog, box: str, trial: str, run_name: str | None) -> Place:
    """Where a box made a trial of a stored run."""
    from lab.results.run import find, load
    from lab.run.at_trial import place_of

    folder = find(project.results, run_name)
    return place_of(load(folder), folder.name, trial, box, catalog.has_engine)


def _home(box: Box) -> PurePosixPath:
    return PurePosixPath(box.check(["printenv", "HOME"], doing="find the home folder").text)


def _open(box: Box, engine: Engine, folder: PurePosixPath | None, variables: dict[str, str]) -> int:
    ended = run_process(box.shell(script(engine, folder, variables)), interactive=True)
    click.echo(ended.stderr, err=True, nl=False)  # empty unless there is no ssh on this machine
    return ended.exit


def stop_at(surprise: Surprise, shown: Screen) -> bool:
    """Open a shell at a surprising trial, for `repro --debug`; True if the user leaves it with status 0."""
    station, trial = surprise.station, surprise.trial
    with shown.paused():
        echo(paint(f"{trial.name}: {surprise.step}", "yellow", err=True), err=True)
        say(
            f"This is a shell on {station.box.name}, in the folder of the trial's build context. "
            f"`{station.engine.program}` is the client of {station.engine.title}. `exit` goes on with the run, and "
            "stops at the next surprising step; `exit 1` ends the run.",
            err=True,
        )
        from lab.run.at_trial import variables_of

        variables = variables_of(station.engine, surprise.folder)
        status = _open(station.box, station.engine, surprise.folder / "context", variables)
        if status == GONE:  # the trial was broken before it made its folder
            status = _open(station.box, station.engine, None, {})
        if status:
            say(f"the shell ended with status {status}: the run ends; what was measured is kept", err=True)
    return status == 0
