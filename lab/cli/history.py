"""The verb that shows how often a step hit over time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from lab import files
from lab.cli.columns import columns
from lab.cli.options import json_option, print_json
from lab.cli.terminal import echo, say
from lab.errors import UsageError, did_you_mean
from lab.project import find


@click.command(epilog="Example: python -m lab history 'COPY*' --engine 20.10.24 --since 2026-11-01 --html history.html")
@click.argument("step")
@click.option("--engine", metavar="GLOB", help="Only trials with these engines.")
@click.option("--box", metavar="GLOB", help="Only rebuilds on these boxes.")
@click.option("--scenario", metavar="GLOB", help="Only runs of these scenarios.")
@click.option(
    "--variation", metavar="GLOB", help="Only trials with these variations; none is the trial without a change."
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Only runs since this day (UTC).")
@click.option("--html", metavar="FILE", help="Write a page with a chart to this file.")
@json_option
def history(
    step: str,
    engine: str | None,
    box: str | None,
    scenario: str | None,
    variation: str | None,
    since: datetime | None,
    html: str | None,
    as_json: bool,
) -> None:
    """Show how often a step hit over time, by engine, box and builder, from all stored runs.

    STEP is the text of an instruction, or a glob such as 'COPY*'. The interval contains the true rate with a
    probability of 95 % (Wilson's method). Steps with an unknown outcome and broken trials are counted separately.
    """
    from lab.results import index
    from lab.results.history import Wanted
    from lab.results.history import history as rates_of
    from lab.results.rates import METHOD

    project = find()
    counts = index.counts(project.results)
    day = since.replace(tzinfo=UTC) if since else None
    found = rates_of(counts, Wanted(step, engine, box, scenario, variation, day))
    if not found and rates_of(counts, Wanted(step)):
        options = {"engine": engine, "box": box, "scenario": scenario, "variation": variation}
        options |= {"since": f"{since:%Y-%m-%d}" if since else None}
        given = " and ".join(f"--{name} {value}" for name, value in options.items() if value is not None)
        raise UsageError(
            f'cannot find a trial with the step "{step}" that fits {given}', hint="leave an option out, or change it"
        )
    if not found:
        steps = list(dict.fromkeys(item.steps.step for item in counts))
        raise UsageError(
            f'cannot find a trial with the step "{step}"{did_you_mean(step, steps)}',
            hint="`python -m lab report` shows the steps of a run",
        )
    if html is not None:
        from lab.report.history import history_page

        page = history_page(step, found, project.texts("history"))
        files.write(Path(html), page.encode("utf-8", "replace"))
        click.echo(f"written to {html}", err=True)
    if as_json:
        print_json({"schema": 1, "step": step, "method": METHOD, "rates": [rate.to_json() for rate in found]})
    elif html is None:
        from lab.report.history import HEADS, row_of

        for text in dict.fromkeys(rate.step for rate in found):
            say(text)
            echo(columns([row_of(rate) for rate in found if rate.step == text], HEADS))
        say(METHOD)
