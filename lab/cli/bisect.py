"""The verb that finds the first engine with a different behaviour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

import click

from lab.cli.columns import columns, fill
from lab.cli.conduct import Conductor, boxes_for, conducting
from lab.cli.options import (
    engines_named,
    json_option,
    lineup_option,
    print_json,
    provider_option,
    verbose_option,
    workplace,
)
from lab.cli.terminal import echo
from lab.errors import LabError, UsageError, did_you_mean
from lab.model import Outcome, Progress
from lab.results.run import Run
from lab.run import bisect as bisection
from lab.run.scenarios import find, load_scenario
from lab.run.wish import Wish


@click.command(epilog="Example: python -m lab bisect --bad 19.03.8 --good 20.10.24 --step 'COPY bar bar'")
@click.option("--good", required=True, metavar="ENGINE", help="An engine that behaves as it should.")
@click.option("--bad", required=True, metavar="ENGINE", help="An engine that does not.")
@click.option("--scenario", metavar="SCENARIO|PATH", help="The scenario to run; default: the lineup's.")
@click.option("--step", metavar="INSTRUCTION", help="The step to look at; default: the first COPY or ADD.")
@click.option("--variation", default="none", show_default=True, metavar="VARIATION", help="The variation to try.")
@click.option("--producer", metavar="BOX", help="The box that pushes the image; default: the lineup's first.")
@click.option("--consumer", metavar="BOX", help="The box that rebuilds; default: the lineup's last.")
@click.option("--dry-run", is_flag=True, help="Only list the engines between the two, in the order of their trials.")
@lineup_option
@provider_option
@json_option
@verbose_option
def bisect(
    good: str,
    bad: str,
    scenario: str | None,
    step: str | None,
    variation: str,
    producer: str | None,
    consumer: str | None,
    dry_run: bool,
    lineup: str | None,
    provider: str,
    as_json: bool,
    verbose: bool,
) -> None:
    """Find the first engine that behaves like the good one, by bisection with real trials.

    An engine that cannot be used here is skipped with a message.
    """
    place = workplace(lineup)
    place.announce()
    ends_named = (engines_named(place, (name,))[0] for name in (bad, good))
    engines = bisection.path(place.catalog.engines, *ends_named)
    folder = find(scenario or place.lineup.scenario, place.project.scenarios)
    loaded = load_scenario(folder, "scratch")
    loaded.variations((variation,))
    wanted = _step(loaded.instructions, step)
    if dry_run:
        _show_plan(bisection.planned(engines), engines, as_json=as_json)
        return
    ends = (producer or place.lineup.boxes[0],), (consumer or place.lineup.boxes[-1],)
    specs = boxes_for(place, *ends, engines, (), allow_prune=False)
    with conducting(place, specs, provider, "bisect", verbose=verbose) as conductor:
        wish = Wish(place.lineup.name, folder, *ends, (variation,))
        finding = bisection.bisect(engines, partial(_probe, conductor, wish, wanted), partial(_tell, conductor, wanted))
    _show(finding, wanted, bad=engines[0], good=engines[-1], as_json=as_json)


def _probe(conductor: Conductor, wish: Wish, step: str, engine: str) -> Outcome:
    """The outcome of the step in a trial on that engine; LabError if it cannot be read."""
    _, run = conductor.run(replace(wish, consumer_engines=(engine,)), (engine,))
    outcome = _outcome(run, step)
    if outcome is None:
        raise LabError(f"cannot read the outcome of {step} on {engine}")
    return outcome


def _tell(conductor: Conductor, step: str, attempt: bisection.Attempt) -> None:
    what = attempt.outcome.value if attempt.outcome else f"skipped: {attempt.problem}"
    conductor.screen.tell(Progress(f"engine {attempt.engine}", f"{step}: {what}", done=True))


def _step(instructions: tuple[str, ...], asked: str | None) -> str:
    if asked is None:
        copies = [text for text in instructions if text.split()[0] in ("COPY", "ADD")]
        return (copies or list(instructions))[0]
    if asked not in instructions:
        raise UsageError(
            f'cannot find the step "{asked}"{did_you_mean(asked, list(instructions))}',
            hint=f"steps: {'; '.join(instructions)}",
        )
    return asked


def _outcome(run: Run, step: str) -> Outcome | None:
    builds = [trial.build for trial in run.trials if trial.build]
    found = [item.outcome for build in builds for item in build.steps if item.instruction == step]
    return found[0] if len(found) == 1 else None


def _show_plan(order: list[str], engines: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"schema": 1, "engines": engines, "order": order})
        return
    echo(f"from bad to good: {', '.join(engines)}")
    echo(f"tried in this order, if each behaves like {engines[0]}: {', '.join(order)}")


def _show(finding: bisection.Finding, step: str, *, bad: str, good: str, as_json: bool) -> None:
    if as_json:
        ends = {"bad": bad, "good": good, "first": finding.first, "before": finding.before, "after": finding.after}
        rows = {"gap": _rows(finding.gap), "attempts": _rows(finding.attempts)}
        print_json({"schema": 1, "step": step, **ends, **rows})
        return
    cells = [[cell or "" for cell in row.values()] for row in _rows(finding.attempts)]
    echo(columns(cells, ["engine", step, ""]))
    echo("")
    for line in _sentences(finding, bad=bad, good=good):
        echo(fill(line))


def _rows(attempts: Iterable[bisection.Attempt]) -> list[dict[str, str | None]]:
    return [
        {
            "engine": item.engine,
            "outcome": item.outcome.value if item.outcome else "skipped",
            "problem": item.problem,
        }
        for item in attempts
    ]


def _sentences(finding: bisection.Finding, *, bad: str, good: str) -> Iterator[str]:
    """What was found; with a gap, its two ends, and why each engine in it has no outcome."""
    alike = "" if finding.before == bad else f" and behaves like {bad}"
    if finding.first:
        yield f"{finding.first} is the first engine that behaves like {good}; {finding.before} comes before it{alike}"
        return
    outcomes = {item.engine: item.outcome.value for item in finding.attempts if item.outcome}
    before, after = (f"{name} ({outcomes[name]})" for name in (finding.before, finding.after))
    yield f"the outcome changes between {before} and {after}, and which engine is the first is not known:"
    for item in finding.gap:
        yield f"  {item.engine} has no outcome: {item.problem}"
