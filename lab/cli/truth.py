"""The verb that writes docs/truth-table.md from stored runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab import files
from lab.errors import UsageError

if TYPE_CHECKING:
    from lab.results.run import Run

SCENARIOS = "truth-*"


@click.command(epilog="Example: python -m lab truth --output docs/truth-table.md")
@click.argument("names", nargs=-1, metavar="[RUN]...")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to this file.")
def truth(names: tuple[str, ...], output: Path | None) -> None:
    """Print a table of what lab predicted and what engines did, in the runs named, else in the newest run of each
    truth-* scenario. `make truth` makes those runs first.
    """
    from lab.project import find
    from lab.report.truth import truth_table
    from lab.results.run import find as find_run
    from lab.results.run import load
    from lab.run.scenarios import load_scenario

    project = find()
    runs = [load(find_run(project.results, name)) for name in names] or _newest(project.results)

    def summary(run: Run, variation: str) -> str:
        folder = project.scenarios / run.scenario
        if not (folder / "scenario.yaml").is_file():
            return ""
        known = load_scenario(folder, "scratch").file.variations
        return next((item.summary for item in known if item.name == variation), "")

    text = truth_table(runs, summary)
    if output is None:
        click.echo(text, nl=False)
    else:
        files.write(output, text)
        click.echo(f"written to {output}", err=True)


def _newest(results: Path) -> list[Run]:
    """The newest complete run of each truth-* scenario."""
    import fnmatch

    from lab.results.run import load

    found: dict[str, Run] = {}
    for path in sorted(results.glob(f"*-{SCENARIOS}/run.json")):
        run = load(path.parent)
        if run.complete and fnmatch.fnmatch(run.scenario, SCENARIOS):
            found[run.scenario] = run
    if not found:
        raise UsageError(f"cannot find a run of {SCENARIOS} in {results}", hint="make truth")
    return [found[name] for name in sorted(found)]
