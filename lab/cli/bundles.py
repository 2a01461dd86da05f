"""Verbs about bundles: pack a run for another person, show a packed run."""

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
from lab.cli.terminal import echo, remark, width
from lab.errors import ConfigError, UsageError
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
    """Pack a run (default: the newest) into one tar.gz, with its reports, script, transcript, templates and pins.

    The bundle holds the source files of the build contexts. Placeholders replace secrets and private names in it.
    """
    from lab.report import bundle as bundles

    project = find()
    [folder] = run_paths(project, name)
    if not folder.is_dir():
        raise UsageError(f"cannot pack {folder}: it is already a bundle")
    file = f"{folder.resolve().name}.tar.gz"
    target = output / file if output and files.is_folder(output) else output or Path(file)
    files.write(target, bundles.pack(folder, project, redacted=not no_redact))
    click.echo(f"written to {target}")
    remark("it holds the source files of the build contexts: look at them before you send it")


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
    from lab.report.comparison import comparison_text
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
        echo(f"\njudged again by {whose}")
        again = replace(evidence, run=judged)
        echo(comparison_text(compared(evidence, again), width()) if judged.trials else "the bundle has no trial")
    sys.exit(ending(judged, str(file)))


def _scenario(project: Project, opened: Bundle, run: Run) -> tuple[Scenario | None, str]:
    """The scenario of this checkout if it has the run's steps, else the bundle's, else None; and which one it is."""
    from lab.run.scenarios import load_scenario

    base = run.base.reference if run.base else "scratch"
    with TemporaryDirectory() as folder:
        packed = opened.scenario(Path(folder))
        for place, whose in (
            (project.scenarios / run.scenario, "the scenario of this version of lab"),
            (packed, "the bundle's scenario"),
        ):
            if place is None or not (place / "scenario.yaml").is_file():
                continue
            try:
                found = load_scenario(place, base)
            except ConfigError:
                continue  # this version of lab cannot read it; then the stored expectations stay
            if found.instructions == run.instructions:
                return found, whose
    return None, "the stored expectations: no scenario with these steps was found"
