"""The verb that runs lineups x engines x builders x cases: `lab matrix`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from tabulate import tabulate

from lab.cli.making import Shown, make, prepared
from lab.cli.merge import worst
from lab.cli.options import grouped, json_option, print_json, verbose_option
from lab.cli.output import give
from lab.cli.own_project import ProjectWords
from lab.cli.run_words import RunWords, allow_prune_option, registry_option, registry_port_option
from lab.cli.runs import ending
from lab.cli.sharding import engines_elsewhere, engines_of, shard_option
from lab.cli.spreading import SpreadWords, spread_options
from lab.cli.terminal import echo, remark
from lab.cli.trial_words import TrialWords
from lab.counting import counted
from lab.errors import Interrupted, LabError, UsageError
from lab.report import printable

if TYPE_CHECKING:
    from lab.cli.resuming import Task
    from lab.model import TrialKey
    from lab.run.matrix_file import Matrix
    from lab.run.shards import Choice, Shard

NO_PROJECT = ProjectWords(None, None, (), None, (), (), (), None, None, "exact", False, (), 2048)


@dataclass(frozen=True, slots=True)
class Means:
    """What the command line states of all runs of a matrix, word for word: their base image and their registry."""

    base: str | None
    registry: str | None
    registry_port: int | None
    allow_prune: bool

    def words(self, case: str, trials: TrialWords) -> RunWords:
        """The words of one run."""
        own = NO_PROJECT if self.base is None else replace(NO_PROJECT, bases=(self.base,))
        return RunWords(case, None, trials, own, self.registry, self.registry_port, self.allow_prune, "prune", False)


NO_MEANS = Means(None, None, None, allow_prune=False)
MEANS = (
    click.option("--base", metavar="IMAGE", help="The base image of every case (default: alpine, or a box's busybox)."),
    registry_option,
    registry_port_option,
    allow_prune_option,
)


def means_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give `matrix` the options of all its runs; it receives them as one Means, `means`."""
    return grouped(function, Means, "means", MEANS)


@dataclass(frozen=True, slots=True)
class PipelineWords:
    """What the command line states of a pipeline that runs the matrix, word for word."""

    github: bool
    gitlab: bool
    install: str | None
    output: Path | None

    @property
    def is_asked(self) -> bool:
        """True if a pipeline is written and nothing runs; UsageError for options that do not fit together."""
        if self.github and self.gitlab:
            raise UsageError("cannot use --github with --gitlab")
        if not (self.github or self.gitlab) and (self.install is not None or self.output is not None):
            raise UsageError("cannot use --install or --output without --github or --gitlab")
        return self.github or self.gitlab

    def write(self, matrix: Matrix, file: Path, shown: Shown) -> None:
        """Write the pipeline of the matrix in this file to the output, or print it.

        UsageError for what `--list` refuses too, and for a matrix that a hosted machine cannot run.
        """
        from lab.run import pipelines

        install = self.install or pipelines.INSTALL
        pipelines.check(matrix, str(file), install)
        parts = [choice.most(keys) for _, choice, keys in _planned(matrix, None, (), NO_MEANS, shown, elsewhere=True)]
        count = pipelines.shards(matrix, str(file), max(parts))
        give((pipelines.github if self.github else pipelines.gitlab)(str(file), count, install), self.output)


PIPELINE = (
    click.option("--github", is_flag=True, help="Print a GitHub Actions workflow that runs it on hosted runners."),
    click.option("--gitlab", is_flag=True, help="Print a GitLab pipeline that runs it."),
    click.option("--install", metavar="COMMAND", help="The command by which a pipeline installs lab."),
    click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the pipeline to this file."),
)


def pipeline_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give `matrix` the options of a pipeline; it receives them as one PipelineWords, `pipeline`."""
    return grouped(function, PipelineWords, "pipeline", PIPELINE)


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
@pipeline_options
@means_options
@spread_options
@json_option
@verbose_option
def matrix(
    file: Path,
    patterns: tuple[str, ...],
    shard: str | None,
    listing: bool,
    pipeline: PipelineWords,
    means: Means,
    spread: SpreadWords,
    as_json: bool,
    verbose: bool,
) -> None:
    """Run the matrix of lineups, engines, builders and cases in FILE: one run for each lineup and case.

    A GLOB chooses trials by their names. Prints a table of the runs at the end; exits with the code of the worst.
    """
    from lab.run.matrix_file import read_matrix
    from lab.run.shards import Shard

    found = read_matrix(file)
    shown = Shown(False, False, False, False, verbose, quiet=as_json, announces=False)
    if pipeline.is_asked:
        if listing or as_json:
            raise UsageError(
                "cannot use --github or --gitlab with --list or --json: a pipeline is written, and nothing is listed"
            )
        if patterns or shard or means != NO_MEANS or spread.scheduler is not None:
            raise UsageError(
                "cannot use --github or --gitlab with a GLOB or an option of runs",
                hint="add it to the command `python -m lab matrix` in the pipeline that is written",
            )
        pipeline.write(found, file, shown)
        return
    part = None if shard is None else Shard.parse(shard)
    tasks = _tasks(found, part, patterns, means, shown)
    if listing:
        names = [str(key) for _, keys in tasks for key in keys]
        if as_json:
            print_json({"schema": 1, "shard": shard, "trials": names})
        else:
            echo("\n".join(map(printable.line, names)))
        return
    sys.exit(_run([task for task, _ in tasks], shown, spread.checked(), as_json=as_json))


def _tasks(
    found: Matrix, shard: Shard | None, patterns: tuple[str, ...], means: Means, shown: Shown
) -> list[tuple[Task, list[TrialKey]]]:
    """The runs that have a trial, with their trials; UsageError if no run has one. Nothing is started."""
    planned = list(_planned(found, shard, patterns, means, shown))
    tasks = [(task, own) for task, choice, keys in planned if (own := choice.own(keys))]
    if tasks:
        return tasks
    most = max(choice.most(keys) for _, choice, keys in planned)
    if shard and shard.number > most:
        raise UsageError(
            f"cannot make the shard {shard}: it has no trial, since each run has at most {counted(most, 'name')} "
            "by which its trials are divided",
            hint=f"use at most {counted(most, 'shard')}" if most else None,
        )
    where = f"of the shard {shard} " if shard else ""
    if patterns:
        hint = "--list without a GLOB prints every trial"
        raise UsageError(f"cannot run the matrix: no trial {where}matches {' or '.join(patterns)}", hint=hint)
    raise UsageError("cannot run the matrix: it has no trial")


def _planned(
    found: Matrix,
    shard: Shard | None,
    patterns: tuple[str, ...],
    means: Means,
    shown: Shown,
    *,
    elsewhere: bool = False,
) -> Iterator[tuple[Task, Choice, list[TrialKey]]]:
    """Each run with all its trials, and which of them are made; UsageError for names that do not fit.

    With `elsewhere`, another machine will make them, on which lab may run engines of its own.
    """
    from lab.cli.resuming import Task
    from lab.results.run import Repetition
    from lab.run.planning import planned
    from lab.run.shards import Choice

    engines = engines_elsewhere if elsewhere else engines_of
    for job in found.jobs:
        trials = TrialWords(job.lineup, job.engines, (), "auto", (), (), found.file.variations, job.builders, ())
        choice = Choice(shard, patterns, job.ways)
        task = Task(means.words(job.case, trials), Repetition(), choice=choice)
        with prepared(task, shown, elsewhere=elsewhere) as ready:
            yield task, choice, planned(ready.wish, ready.specs, engines(ready.wish, ready.place))


def _run(tasks: Sequence[Task], shown: Shown, spread: SpreadWords | None, *, as_json: bool) -> int:
    """Make the runs one after another, and print a table of them; returns the exit code of the worst."""
    rows = [_row(task, shown, spread) for task in tasks]
    if as_json:
        print_json({"schema": 1, "runs": [asdict(row) for row in rows]})
    else:
        header = ["lineup", "case", "run", "trials", "as expected", "exit"]
        cells = [[row.lineup, row.case, row.run or "none", row.trials, row.as_expected, row.exit] for row in rows]
        echo("\n" + tabulate(cells, header, tablefmt="plain"))
    return worst([row.exit for row in rows])


def _row(task: Task, shown: Shown, spread: SpreadWords | None) -> Row:
    """Make one run; an error costs only this run."""
    trials = task.words.trials
    row = Row(trials.lineup or "", task.words.scenario or "", "", 0, 0, 0)
    try:
        _, run = make(task, shown, spread)
    except Interrupted:
        raise
    except LabError as error:
        remark([f"lab: {error.message}", *([f"hint: {error.hint}"] if error.hint else [])], "red")
        return replace(row, exit=error.exit_code, problem=error.message)
    good = sum(trial.verdict.value == "as expected" for trial in run.trials)
    return replace(row, run=run.name, trials=len(run.trials), as_expected=good, exit=ending(run))
