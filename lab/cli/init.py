"""The verb that writes a workplace, for people who want boxes and scenarios of their own."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from lab import files
from lab.errors import ConfigError, UsageError
from lab.project import DATA, own_data

RESULTS = "results"
README = "README.md"
README_SOURCE = Path("templates", "workplace", README)


@dataclass(frozen=True, slots=True)
class File:
    """The bytes of a file, and whether it can be executed."""

    content: bytes
    executable: bool


@click.command(epilog="Example: python -m lab init my-boxes")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite the files that lab brings; other files in DIR stay.")
@click.pass_context
def init(context: click.Context, folder: Path, force: bool) -> None:
    """Write a workplace: a folder with a Vagrantfile, boxes/, templates/ and results/ of your own.

    lab works with these files when it runs in that folder. If DIR holds one of them already, lab writes nothing and
    exits with 2.
    """
    parts = workplace_files(own_data())
    if (present := list(already_there(folder, parts))) and not force:
        raise UsageError(
            f"cannot write a workplace to {folder}: it holds {', '.join(present)} already",
            hint="name another folder, or let --force overwrite the files that lab brings",
        )
    write_workplace(folder, parts)
    program = context.find_root().info_name or "lab"
    click.echo(f"written to {folder}: {', '.join(already_there(folder, parts))}")
    click.echo("next:")
    for command, what in (
        (f"cd {shlex.quote(str(folder))}", "lab uses this folder when it runs there"),
        (f"{program} boxes", "lists the boxes; each one is a file boxes/NAME.yaml"),
        (f"{program} up", "brings the boxes of a lineup up"),
        (f"{program} repro", "runs the scenario and stores the run in results/"),
    ):
        click.echo(f"  {command:24}  {what}")


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
