"""Verbs about bundles: pack a run for somebody else, show one again."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from lab import files
from lab.cli.options import json_option
from lab.cli.reports import redact_option, run_paths
from lab.cli.runs import ending
from lab.cli.screen import coloured
from lab.cli.terminal import echo, width
from lab.errors import LabError, UsageError
from lab.project import Project, find

if TYPE_CHECKING:
    from lab.report.bundle import Bundle
    from lab.results.run import Run
    from lab.run.scenarios import Scenario


@click.command(epilog="Example: python -m lab bundle 20261123T180000Z-copy-bust --output mine.tar.gz")
@click.argument("name", required=False, metavar="[RUN]")
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to this file, or into this folder."
)
@redact_option
def bundle(name: str | None, output: Path | None, no_redact: bool) -> None:
    """Pack a run (default: the newest) into one tar.gz, with its report, script, transcript, templates and pins."""
    from lab.report import bundle as bundles

    project = find()
    [folder] = run_paths(project, name)
    if not folder.is_dir():
        raise UsageError(f"cannot pack {folder}: it is a bundle already")
    file = f"{folder.resolve().name}.tar.gz"
    target = output / file if output and output.is_dir() else output or Path(file)
    files.write(target, bundles.pack(folder, project, redacted=not no_redact))
    click.echo(f"written to {target}")


@click.command(epilog="Example: python -m lab replay mine.tar.gz")
@click.argument("file", metavar="BUNDLE", type=click.Path(path_type=Path))
@json_option
def replay(file: Path, as_json: bool) -> None:
    """Show a bundle's run as this version of lab judges it: it reads the recorded output and predicts each step again.

    Prints what that changes. Exits with 0 if every outcome is as the scenario expects, with 4 if one differs, with 12
    if an engine did not do what lab predicts today.
    """
    from dataclasses import replace

    from lab.buildkit.rulebook import Rulebook
    from lab.report import bundle as bundles
    from lab.report.comparison import compare as compared
    from lab.report.comparison import told
    from lab.report.table import table
    from lab.run.replay import judge_again

    project = find()
    opened = bundles.read(file)
    evidence = opened.evidence()
    scenario, whose = _scenario(project, opened, evidence.run)
    judged = judge_again(evidence, scenario, Rulebook(project.boxes))
    if as_json:
        click.echo(judged.to_json(), nl=False)
    else:
        echo(coloured(table(judged, width())))
        click.echo(f"\njudged again by {whose}")
        again = replace(evidence, run=judged)
        echo(told(compared(evidence, again), width()) if judged.trials else "no trial in it")
    sys.exit(ending(judged, str(file)))


def _scenario(project: Project, opened: Bundle, run: Run) -> tuple[Scenario | None, str]:
    """Today's scenario if it still has the run's steps, else the bundle's, else none; and words that say which."""
    from lab.run.scenarios import load_scenario

    base = run.base.reference if run.base else "scratch"
    with TemporaryDirectory() as folder:
        packed = opened.scenario(Path(folder))
        for place, whose in ((project.scenarios / run.scenario, "today's scenario"), (packed, "the bundle's scenario")):
            if place is None or not (place / "scenario.yaml").is_file():
                continue
            try:
                found = load_scenario(place, base)
            except LabError:
                continue  # today's lab may read it otherwise; then what was expected stands
            if found.instructions == run.instructions:
                return found, whose
    return None, "the expectations of the run itself: no scenario with these steps is at hand"
