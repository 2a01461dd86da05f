"""Verbs about stored runs: print reports, list runs, compare them, check them against a golden table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from lab import files
from lab.cli.columns import fill
from lab.cli.options import json_option, print_json
from lab.cli.screen import coloured
from lab.cli.terminal import echo, remark, say, width
from lab.cli.timing import print_timings
from lab.counting import counted
from lab.errors import DIFFERS, HostError, UsageError
from lab.project import Project, find

if TYPE_CHECKING:
    from lab.report.evidence import Evidence
    from lab.report.formats import Format
    from lab.results.run import Run

if TYPE_CHECKING:
    _ParamType = click.ParamType[str]
else:
    _ParamType = click.ParamType  # older versions of click have no generic one

redact_option = click.option("--no-redact", is_flag=True, help="Keep secrets, and names of users and hosts.")


class FormName(_ParamType):
    """The name of a report form; the choices are the keys of FORMATS, which is imported only when they are needed."""

    name = "form"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The name itself; a usage error for a name that is not a form."""
        return self._choice().convert(value, param, ctx)

    def get_metavar(self, *args: Any, **more: Any) -> str | None:
        """The names, as the help shows them."""
        return self._choice().get_metavar(*args, **more)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that begin with what was typed."""
        return self._choice().shell_complete(ctx, param, incomplete)

    def _choice(self) -> click.Choice[str]:
        from lab.report.formats import FORMATS

        return click.Choice(list(FORMATS))


@click.command(epilog="Example: python -m lab report --last --format md --output report.md")
@click.argument("name", required=False, metavar="[RUN]")
@click.option("--last", is_flag=True, help="The newest run (the default).")
@click.option("--run", "pattern", metavar="GLOB", help="All stored runs whose name matches, as in '2026*-copy-bust'.")
@click.option("--format", "form", type=FormName(), default="table", show_default=True, help="The form of the report.")
@click.option(
    "--output",
    metavar="FILE",
    help="Write to this file. For a folder (an existing one, or DIR/) lab writes one file for each run; the form sh "
    "becomes one file for each host.",
)
@click.option("--open", "show", is_flag=True, help="Open the report in the program that this machine uses for it.")
@redact_option
@click.option("--timing", is_flag=True, help="Print instead where the time of each trial went, in seconds.")
@json_option
def report(
    name: str | None,
    last: bool,
    pattern: str | None,
    form: str,
    output: str | None,
    show: bool,
    no_redact: bool,
    timing: bool,
    as_json: bool,
) -> None:
    """Print a report of a stored run (its name, its folder, or a bundle's file); no box is needed.

    md is a bug report for moby or BuildKit, html is a page to read, sh is a script that repeats the run with Docker
    alone. Placeholders replace secrets, keys, home folders, and names of users and hosts; in sh only secrets.

    For example, `python -m lab report --last --timing` prints the seconds that ssh, the client, BuildKit and the
    registry took in each trial of the newest run.
    """
    from lab.report.formats import FORMATS, as_table

    if sum((name is not None, last, pattern is not None)) > 1:
        raise UsageError("cannot choose a run: give only one of RUN, --last and --run")
    if as_json and not timing:
        raise UsageError("cannot use --json without --timing", hint="`--format json` prints the run as JSON")
    project = find()
    paths = run_paths(project, name, pattern)
    if timing:
        if output is not None or show or form != "table":
            raise UsageError("cannot combine --timing with --format, --output or --open")
        print_timings(paths, as_json=as_json)
        return
    chosen = as_table(width()) if form == "table" and output is None and not show else FORMATS[form]
    runs = [_evidence(path, outcomes_only=chosen.outcomes_only) for path in paths]
    named = output is not None
    if show and output is None:
        if len(paths) != 1 or paths[0].is_file():
            raise UsageError("cannot open a report that is not in a file", hint="--output FILE names one")
        output = str(paths[0] / f"report{chosen.suffix}")
    for warning in chosen.warnings(runs):
        remark(f"warning: {warning}")
    if output is None:
        text = chosen.text(runs, project, redacted=not no_redact)
        echo(coloured(text) if form == "table" else text, nl=False, document=form != "table")
        return
    for file, text in _texts(chosen, runs, project, output, redacted=not no_redact).items():
        # only a file that the user names may be a link; a folder of runs may be another person's
        files.write(file, text.encode("utf-8", "replace"), follow=named and file == Path(output))
        click.echo(f"written to {file}", err=True)
    if show and click.launch(output):
        raise HostError(f"cannot open {output}: this machine has no program for it")


def _texts(
    chosen: Format, runs: Sequence[Evidence], project: Project, output: str, *, redacted: bool
) -> dict[Path, str]:
    """The report by the files it goes to: one file, or several in a folder."""
    target = Path(output)
    if not output.endswith("/") and not files.is_folder(target):
        return {target: chosen.text(runs, project, redacted=redacted)}
    return {target / file: text for run in runs for file, text in chosen.files(run, project, redacted=redacted).items()}


def run_paths(project: Project, name: str | None, pattern: str | None = None) -> list[Path]:
    """Folders of runs, or the file of a bundle; the newest run if neither a name nor a pattern is given."""
    from lab.results import run as results
    from lab.results import shelf

    if pattern is not None:
        return shelf.matching(project.results, pattern)
    return [Path(name) if name and files.is_file(Path(name)) else results.find(project.results, name)]


def evidence_of(name: str | None) -> Evidence:
    """The evidence of one run, by its name, its folder or the file of a bundle; of the newest run without a name."""
    return _evidence(run_paths(find(), name)[0])


def _evidence(path: Path, *, outcomes_only: bool = False) -> Evidence:
    """The evidence of one run, from its folder or from a bundle; with `outcomes_only` without commands and causes."""
    from lab.report import bundle
    from lab.report.evidence import explained

    if outcomes_only and path.is_dir():
        return bundle.evidence_of(path, commands=False)
    return explained(bundle.evidence_at(path), find().boxes)


def _causes(path: Path) -> Evidence:
    """The evidence of one run without its commands; a cause is found only when it is read."""
    from lab.report.evidence import Evidence, explained
    from lab.results.run import load

    return explained(Evidence(load(path)), find().boxes) if path.is_dir() else _evidence(path)


@click.command(epilog="Example: python -m lab runs --prune --keep 5")
@click.option("--prune", is_flag=True, help="Remove old runs and failed starts, except the sample and what goes on.")
@click.option(
    "--keep",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    metavar="NUMBER",
    help="How many runs --prune keeps.",
)
@json_option
def runs(prune: bool, keep: int, as_json: bool) -> None:
    """List the stored runs: when each started, its scenario, verdicts, boxes and engines."""
    from datetime import UTC

    from lab.results import shelf

    results = find().results
    removed = shelf.prune(results, keep) if prune else []
    found = shelf.listed(results)
    if as_json:
        print_json({"schema": 1, "runs": [item.to_json() for item in found], "removed": removed})
        return
    for name in removed:
        click.echo(f"removed {name}")
    for item in found:
        if item.problem or item.started is None:
            echo(_filled(f"{item.name}  {item.problem}"))
            continue
        counts = ", ".join(f"{number} {verdict}" for verdict, number in item.verdicts) or "no trial"
        short = "" if item.complete else " (still running)" if item.running else " (incomplete)"
        when = f"{item.started.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        echo(_filled(f"{item.name}  {when}  {item.scenario}  {counts}{short}"))
        echo(_filled(f"    lineup {item.lineup}: {', '.join(item.boxes)}; engines {', '.join(item.engines)}"))
    if not found:
        say("no run is stored; `python -m lab repro` makes one")


def _filled(text: str) -> str:
    """The text in lines that fit the terminal; names stay whole so that they can be copied."""
    from lab.report import printable

    return fill(printable.line(text), indent="    ", first="")


@click.command(epilog="Example: python -m lab compare 20261122T180000Z-copy-bust 20261123T180000Z-copy-bust")
@click.argument("before", metavar="RUN_A")
@click.argument("after", metavar="RUN_B")
@json_option
def compare(before: str, after: str, as_json: bool) -> None:
    """Show which steps changed between two runs (names, folders or bundles), and why.

    Exits with 4 if one changed.
    """
    from lab.report.comparison import compare as compared
    from lab.report.comparison import comparison_text

    project = find()
    found = compared(*(_causes(run_paths(project, name)[0]) for name in (before, after)))
    if as_json:
        print_json(found.to_json())
    else:
        echo(comparison_text(found, width()))
    sys.exit(DIFFERS if found.changes else 0)


@click.group(epilog="Example: python -m lab expect check")
def expect() -> None:
    """Save the outcomes of a run as the golden table of its scenario and lineup, and check later runs against it."""


scenario_option = click.option(
    "--scenario", metavar="SCENARIO|PATH", help="The scenario's folder; default: the run's own."
)


@expect.command(epilog="Example: python -m lab expect save --scenario path/to/folder")
@click.argument("name", required=False, metavar="[RUN]")
@scenario_option
def save(name: str | None, scenario: str | None) -> None:
    """Save the outcomes of a run (default: the newest) as the golden table of its scenario and lineup."""
    from lab.results import golden

    folder, run = _expected(name, scenario)
    find().check_own(folder)
    click.echo(f"written to {golden.save(folder, run)}")


@expect.command(epilog="Example: python -m lab expect check 20261123T180000Z-copy-bust")
@click.argument("name", required=False, metavar="[RUN]")
@scenario_option
@json_option
def check(name: str | None, scenario: str | None, as_json: bool) -> None:
    """Check a run (default: the newest) against the golden table of its scenario and lineup.

    Exits with 4 if an outcome changed or is missing.
    """
    from dataclasses import asdict

    from lab.report import printable
    from lab.results import golden

    folder, run = _expected(name, scenario)
    found, held, new = golden.check(folder, run)
    if as_json:
        print_json(
            {"schema": 1, "run": run.name, "changed": [asdict(item) for item in found], "trials": held, "new": new}
        )
    else:
        for item in found:
            echo(printable.line(f"{item.trial}: {item.step}: expected {item.golden}, got {item.found}"))
        for trial in new:
            echo(printable.line(f"not in the golden table: {trial}"))
        click.echo(
            f"{counted(held, 'trial')} checked against {golden.path_of(folder, run.lineup)}: "
            f"{counted(len(found), 'outcome')} changed"
        )
    sys.exit(DIFFERS if found else 0)


def _expected(name: str | None, scenario: str | None) -> tuple[Path, Run]:
    from lab.run import scenarios

    project = find()
    run = _evidence(run_paths(project, name)[0]).run
    return scenarios.find(scenario or run.scenario, project.scenarios), run
