"""The verb that joins stored runs: `lab merge`."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.options import json_option
from lab.cli.reports import run_paths
from lab.cli.runs import ending
from lab.cli.screen import coloured
from lab.cli.terminal import echo, remark, width
from lab.counting import counted
from lab.errors import DIFFERS, NOT_KNOWN, UsageError
from lab.project import Project, find

if TYPE_CHECKING:
    from lab.results.run import Run
    from lab.run.merging import Merged, Piece

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
NO_SUMS = "merge shards, or runs of `python -m lab repro` that were made here: these state what they are made of"
SHOWN = 10  # cells that no run has, by name


@click.command(epilog="Example: python -m lab merge shard-1 shard-2 --output whole")
@click.argument("names", nargs=-1, required=True, metavar="RUN..")
@click.option("--output", metavar="NAME", help="The name of the merged run; default: the time and the scenario.")
@click.option("--group", is_flag=True, help="Merge the runs of each lineup and scenario separately.")
@json_option
def merge(names: tuple[str, ...], output: str | None, group: bool, as_json: bool) -> None:
    """Join the runs of shards (names, folders or bundles) into one run; the runs themselves are not changed.

    Refuses runs of another scenario, engine, base image or registry, and names what differs. Exits as `repro` does;
    with 14 if no outcome differs and cells are missing that no run has.
    """
    if group and output is not None:
        raise UsageError("cannot use --output with --group: several runs cannot have one name")
    project = find()
    pieces = [_piece(project, name) for name in dict.fromkeys(names)]
    codes = []
    for alike in _groups(pieces) if group else [pieces]:
        codes.append(_merge(project, alike, output, as_json=as_json))
    sys.exit(worst(codes))


def worst(codes: Sequence[int]) -> int:
    """The exit code of several runs: that of an error, of a contradicted prediction, of a difference, of a doubt."""
    order = [0, NOT_KNOWN, DIFFERS]  # every other code is worse, and the first of them is taken
    return max(codes, key=lambda code: order.index(code) if code in order else len(order), default=0)


def _groups(pieces: Sequence[Piece]) -> list[list[Piece]]:
    found: dict[tuple[str, str], list[Piece]] = {}
    for piece in pieces:
        found.setdefault((piece.run.lineup, piece.run.scenario), []).append(piece)
    return list(found.values())


def _merge(project: Project, pieces: Sequence[Piece], output: str | None, *, as_json: bool) -> int:
    from lab.report.table import table
    from lab.run.merging import merge as merged

    made = merged(pieces, output or "")  # before a folder is made
    folder = _folder(project, made.run, output)
    try:
        made = replace(made, run=made.run.model_copy(update={"name": folder.name}))
        _store(folder, made)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if as_json:
        click.echo(made.run.to_json(), nl=False)
    else:
        echo(f"{coloured(table(made.run, width()))}\n\nmerged of {counted(len(pieces), 'run')}, stored in {folder}\n")
    _show_missing(made)
    code = ending(made.run)
    only_missing = made.missing and all(trial.verdict.value == "as expected" for trial in made.run.trials)
    return NOT_KNOWN if code == DIFFERS and only_missing else code


def _piece(project: Project, name: str) -> Piece:
    """A run with its commands and sums; UsageError for one of which no sums are stored."""
    from lab.cli.run_words import load_plan
    from lab.report import bundle
    from lab.results.summary import is_running
    from lab.run.merging import Piece

    [path] = run_paths(project, name)
    if path.is_dir() and is_running(path):
        raise UsageError(f"cannot merge {name}: a lab process still writes it", hint="wait until it ends")
    evidence = bundle.evidence_at(path)
    run = evidence.run
    if run.shard:
        return Piece(name, run, evidence.exchanges, run.shard.sums)
    if not path.is_dir():
        raise UsageError(f"cannot merge {name}: only the bundle of a shard states what its run is made of")
    return Piece(name, run, evidence.exchanges, load_plan(path, run, f"merge {name}", NO_SUMS).sums)


def _folder(project: Project, run: Run, output: str | None) -> Path:
    """The new folder of the merged run; UsageError for a name that cannot be one, or that is taken."""
    from lab.files import disk_error
    from lab.results.shelf import create_folder

    project.check_results()
    if output is None:
        return create_folder(project.results, run.scenario, datetime.now(UTC))
    if not NAME.fullmatch(output):
        raise UsageError(
            f"cannot name the run {output!r}", hint="a name has letters, digits, dots, hyphens and underscores"
        )
    folder = project.results / output
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise UsageError(f"cannot name the run {output}: {folder} exists already", hint="choose another name") from None
    except OSError as error:
        raise disk_error(folder, error) from error
    return folder


def _store(folder: Path, made: Merged) -> None:
    from lab import files
    from lab.boxes import transcript
    from lab.report.table import table
    from lab.results.run import save

    if made.exchanges:
        files.write(folder / "transcript.jsonl", transcript.dump(made.run.name, made.exchanges))
    save(folder, made.run, table(made.run))


def _show_missing(made: Merged) -> None:
    """Print on standard error which shards and which cells no run has."""
    if not made.missing:
        return
    shard, absent = made.run.shard, made.missing_shards
    if shard and absent:
        numbers = ", ".join(f"{number}/{shard.count}" for number in absent)
        remark(f"missing {'shard' if len(absent) == 1 else 'shards'}: {numbers}", "red")
    more = [f"  and {len(made.missing) - SHOWN} more"] if len(made.missing) > SHOWN else []
    names = [f"  {name}" for name in made.missing[:SHOWN]]
    remark([f"{counted(len(made.missing), 'cell')} that no run has:", *names, *more], "red")
