"""The verb that runs lineups x engines x builders x cases: `lab matrix`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tabulate import tabulate

from lab import files
from lab.cli.making import Shown, make, prepared
from lab.cli.merge import worst
from lab.cli.options import json_option, print_json, verbose_option
from lab.cli.own_project import ProjectWords
from lab.cli.run_words import RunWords
from lab.cli.runs import ending
from lab.cli.sharding import engines_of, shard_option
from lab.cli.terminal import echo, remark
from lab.cli.trial_words import TrialWords
from lab.errors import Interrupted, LabError, UsageError
from lab.report import printable

if TYPE_CHECKING:
    from lab.cli.resuming import Task
    from lab.model import TrialKey
    from lab.run.matrix_file import Matrix
    from lab.run.shards import Shard

NO_PROJECT = ProjectWords(None, None, (), None, (), (), (), None, None, "exact", False, (), 2048)


@dataclass(frozen=True, slots=True)
class Row:
    """One run of the matrix in the table at the end; `run` is empty if there is none, and `problem` says why."""

    lineup: str
    case: str
    run: str
    trials: int
    as_expected: int
    exit: int
    problem: str = ""


@click.command(epilog="Example: python -m lab matrix matrix.yaml --list '*26.1.5*/copy-*'")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.argument("patterns", nargs=-1, metavar="[GLOB..]")
@shard_option
@click.option("--list", "listing", is_flag=True, help="Print the names of the trials, and start nothing.")
@click.option("--github", is_flag=True, help="Print a GitHub Actions workflow that runs the matrix on hosted runners.")
@click.option("--gitlab", is_flag=True, help="Print a GitLab pipeline that runs the matrix.")
@click.option("--install", metavar="COMMAND", help="The command by which a pipeline installs lab.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the pipeline to this file.")
@click.option(
    "--registry-port", type=click.IntRange(1, 65535), metavar="PORT", help="The loopback port of lab's own registry."
)
@json_option
@verbose_option
def matrix(
    file: Path,
    patterns: tuple[str, ...],
    shard: str | None,
    listing: bool,
    github: bool,
    gitlab: bool,
    install: str | None,
    output: Path | None,
    registry_port: int | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Run the matrix of lineups, engines, builders and cases in FILE: one run for each lineup and case.

    A GLOB chooses trials by their names. Prints a table of the runs at the end; exits with the code of the worst.
    """
    from lab.run.matrix_file import read_matrix
    from lab.run.shards import Shard

    found = read_matrix(file)
    if github or gitlab:
        if (github and gitlab) or patterns or shard or listing or as_json:
            raise UsageError("cannot use --github or --gitlab with each other, a GLOB, --shard, --list or --json")
        _write(_pipeline(found, file, install, is_github=github), output)
        return
    if install is not None or output is not None:
        raise UsageError("cannot use --install or --output without --github or --gitlab")
    part = None if shard is None else Shard.parse(shard)
    shown = Shown(False, False, False, False, verbose, quiet=as_json)
    tasks = _tasks(found, part, patterns, registry_port, shown)
    if listing:
        names = [str(key) for _, keys in tasks for key in keys]
        if as_json:
            print_json({"schema": 1, "shard": shard, "trials": names})
        else:
            echo("\n".join(map(printable.line, names)))
        return
    sys.exit(_run([task for task, _ in tasks], shown, as_json=as_json))


def _pipeline(found: Matrix, file: Path, install: str | None, *, is_github: bool) -> str:
    from lab.run import pipelines

    write = pipelines.github if is_github else pipelines.gitlab
    return write(found, str(file), install or pipelines.INSTALL)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    files.write(output, text)
    click.echo(f"written to {output}", err=True)


def _tasks(
    found: Matrix, shard: Shard | None, patterns: tuple[str, ...], port: int | None, shown: Shown
) -> list[tuple[Task, list[TrialKey]]]:
    """The runs that have a trial, with their trials; UsageError if no run has one. Nothing is started."""
    from lab.cli.resuming import Task
    from lab.results.run import Repetition
    from lab.run.planning import planned
    from lab.run.shards import Choice

    tasks = []
    for job in found.jobs:
        trials = TrialWords(job.lineup, job.engines, (), "auto", (), (), found.file.variations, job.builders, ())
        words = RunWords(job.case, None, trials, NO_PROJECT, None, port, False, "prune", False)
        choice = Choice(shard, patterns, job.ways)
        task = Task(words, Repetition(), choice=choice)
        with prepared(task, shown) as ready:
            keys = choice.own(planned(ready.wish, ready.specs, engines_of(ready.wish, ready.place)))
        if keys:
            tasks.append((task, keys))
    if not tasks:
        raise UsageError("cannot run the matrix: no trial is left", hint="--list without a GLOB prints every trial")
    return tasks


def _run(tasks: Sequence[Task], shown: Shown, *, as_json: bool) -> int:
    """Make the runs one after another, and print a table of them; returns the exit code of the worst."""
    rows = [_row(task, shown) for task in tasks]
    if as_json:
        print_json({"schema": 1, "runs": [asdict(row) for row in rows]})
    else:
        header = ["lineup", "case", "run", "trials", "as expected", "exit"]
        cells = [[row.lineup, row.case, row.run or "none", row.trials, row.as_expected, row.exit] for row in rows]
        echo("\n" + tabulate(cells, header, tablefmt="plain"))
    return worst([row.exit for row in rows])


def _row(task: Task, shown: Shown) -> Row:
    """Make one run; an error costs only this run."""
    trials = task.words.trials
    row = Row(trials.lineup or "", task.words.scenario or "", "", 0, 0, 0)
    try:
        _, run = make(task, shown)
    except Interrupted:
        raise
    except LabError as error:
        remark(f"{error.message}" + (f"\nhint: {error.hint}" if error.hint else ""), "red")
        return replace(row, exit=error.exit_code, problem=error.message)
    good = sum(trial.verdict.value == "as expected" for trial in run.trials)
    return replace(row, run=run.name, trials=len(run.trials), as_expected=good, exit=ending(run))
