"""The verb that writes a workplace, for people who want boxes and scenarios of their own."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from lab import files
from lab.cli.terminal import program, program_elsewhere
from lab.errors import ConfigError, UsageError
from lab.project import DATA, find, own_data

RESULTS = "results"
README = "README.md"
README_SOURCE = Path("templates", "workplace", README)


@dataclass(frozen=True, slots=True)
class File:
    """The bytes of a file, and whether it can be executed."""

    content: bytes
    executable: bool


@click.command(epilog="Example: python -m lab init my-boxes; python -m lab init my-project --scenario")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite the files that lab brings; other files in DIR stay.")
@click.option(
    "--scenario", "as_scenario", is_flag=True, help="Write a scenario of the project DIR, instead of a workplace."
)
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="With --scenario, the folder of the scenario; default: its name in the current folder.",
)
@click.option("-f", "--file", type=click.Path(path_type=Path), metavar="FILE", help="With --scenario, the Dockerfile.")
@click.option("--target", metavar="STAGE", help="With --scenario, the stage to build.")
@click.option("--stub-runs", is_flag=True, help="With --scenario, replace the command of each RUN by a cheap one.")
@click.option("--base", "bases", multiple=True, metavar="NAME=IMAGE", help="With --scenario, as in `repro --context`.")
def init(
    folder: Path,
    force: bool,
    as_scenario: bool,
    into: Path | None,
    file: Path | None,
    target: str | None,
    stub_runs: bool,
    bases: tuple[str, ...],
) -> None:
    """Write a workplace: a folder with a Vagrantfile, boxes/, templates/ and results/ of your own.

    lab works with these files when it runs in that folder. If DIR holds one of them already, lab writes nothing and
    exits with 2. With --scenario, DIR is a project with a Dockerfile, and a scenario of it is written.
    """
    if as_scenario:
        write_scenario(folder, into, file, target, bases, stub_runs=stub_runs, force=force)
        return
    if into or file or target or stub_runs or bases:
        raise UsageError("cannot use an option of --scenario for a workplace", hint="add --scenario")
    check_place(folder, "a workplace")
    parts = workplace_files(own_data())
    if (present := list(already_there(folder, parts))) and not force:
        raise UsageError(
            f"cannot write a workplace to {folder}: it holds {', '.join(present)} already",
            hint="name another folder, or let --force overwrite the files that lab brings",
        )
    write_workplace(folder, parts)
    lab, enter = program_elsewhere(), f"cd {shlex.quote(str(folder))}"
    click.echo(f"written to {folder}: {', '.join(already_there(folder, parts))}")
    click.echo("next:")
    width = max(24, len(f"{lab} boxes"))
    for command, what in (
        (enter, "lab uses this folder when it runs there"),
        (f"{lab} boxes", "lists the boxes; each one is a file boxes/NAME.yaml"),
        (f"{lab} up", "brings the boxes of a lineup up"),
        (f"{lab} repro", "runs the scenario and stores the run in results/"),
    ):
        click.echo(f"  {command:{width}}  {what}")


def write_scenario(
    project: Path,
    into: Path | None,
    file: Path | None,
    target: str | None,
    bases: tuple[str, ...],
    *,
    stub_runs: bool,
    force: bool,
) -> None:
    """Write the scenario of a project into a folder that is new, or into any with `force`."""
    from lab.buildkit.rulebook import Rulebook
    from lab.cli.own_project import bases_of
    from lab.run.own_project.project import read_project
    from lab.run.own_project.request import Request
    from lab.run.own_project.template import has_several_stages, scenario_folder

    read = read_project(Request(project, file, target=target, stub_runs=stub_runs, bases=bases_of(bases)))
    parts = scenario_folder(read, Rulebook(find().boxes).newest)
    folder = into or Path(read.name)
    check_place(folder, "a scenario")
    if os.path.lexists(folder) and not force:
        raise UsageError(
            f"cannot write a scenario to {folder}: it exists already",
            hint="--into names another folder, or let --force overwrite the files of the scenario",
        )
    for name, part in parts.items():
        files.write(folder / name, part.content)
        if part.executable:
            (folder / name).chmod((folder / name).stat().st_mode | 0o111)
    click.echo(f"written to {folder}: {len(parts)} files")
    if has_several_stages(read, read.dockerfile("scratch")):
        click.echo("no variation is written: of a Dockerfile of several stages, only a run shows what one does")
    click.echo(f"next: {program()} repro {shlex.quote(f'./{folder}' if not folder.is_absolute() else str(folder))}")


def check_place(folder: Path, what: str) -> None:
    """Raise UsageError if a path can be no folder because it, or a part of it, is a file."""
    for place in (folder, *folder.parents):
        if os.path.lexists(place):
            if not files.is_folder(place):
                raise UsageError(
                    f"cannot write {what} to {folder}: {place} is not a folder", hint="name another folder"
                )
            return


def workplace_files(data: Path) -> dict[Path, File]:
    """The files of a new workplace by their relative paths, read from lab's data; ConfigError if one is unreadable."""
    try:
        sources = [path for name in DATA for path in (data / name, *sorted((data / name).rglob("*"))) if path.is_file()]
        found = {path.relative_to(data): _read(path) for path in sources}
        return {**found, Path(README): _read(data / README_SOURCE)}
    except OSError as error:
        raise ConfigError(f"cannot read {error.filename}: {error.strerror}") from error


def _read(path: Path) -> File:
    return File(path.read_bytes(), bool(path.stat().st_mode & 0o100))  # the bit is part of a context file's digest


def already_there(folder: Path, parts: Iterable[Path]) -> Iterable[str]:
    """What the folder holds of a workplace at its top level; the names of folders end with a slash."""
    for name in sorted({RESULTS, *(path.parts[0] for path in parts)}):
        if os.path.lexists(folder / name):
            yield f"{name}/" if (folder / name).is_dir() else name


def write_workplace(folder: Path, parts: Mapping[Path, File]) -> None:
    """Write these files and an empty results/ below the folder; HostError if the disk refuses."""
    for name, file in parts.items():
        path = folder / name
        files.write(path, file.content)
        if file.executable:
            path.chmod(path.stat().st_mode | 0o111)
    try:
        (folder / RESULTS).mkdir(exist_ok=True)
    except OSError as error:
        raise files.disk_error(folder / RESULTS, error) from error
