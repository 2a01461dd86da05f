"""Verbs about the case library: list the cases, describe one, run them all against their expectations."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli.columns import columns, fill
from lab.cli.options import (
    builder_option,
    builders_named,
    engine_option,
    engines_named,
    json_option,
    lineup_option,
    print_json,
    provider_option,
    verbose_option,
    workplace,
)
from lab.cli.terminal import echo
from lab.errors import UsageError

if TYPE_CHECKING:
    from lab.engines.spec import EngineSpec
    from lab.results.run import Run, Trial
    from lab.run.cases import Case

SCHEMA = 1


@click.group(invoke_without_command=True, epilog="Example: python -m lab cases --tag mode")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only cases with this tag (several allowed).")
@click.option("--search", metavar="WORD", help="Only cases in which this word occurs.")
@json_option
@click.pass_context
def cases(context: click.Context, tags: tuple[str, ...], search: str | None, as_json: bool) -> None:
    """List the cases: scenarios that reproduce a reported surprise of the build cache. The verb `repro` runs one."""
    if context.invoked_subcommand:
        return
    found = _chosen((), tags, search)
    if as_json:
        print_json({"schema": SCHEMA, "cases": [_document(case) for case in found]})
        return
    echo(
        columns([[case.name, " ".join(case.file.tags), case.file.summary] for case in found], ["case", "tags", "what"])
    )
    if not found:
        echo("no case has these tags and this word")


@cases.command(epilog="Example: python -m lab cases show crlf")
@click.argument("name", metavar="SCENARIO")
@json_option
def show(name: str, as_json: bool) -> None:
    """Describe one case: its mechanism, its references, its steps and variations."""
    from lab.project import find
    from lab.run.cases import case as find_case
    from lab.run.scenarios import load_scenario

    case = find_case(name, find().scenarios)
    scenario = load_scenario(case.folder, "BASE")
    if as_json:
        steps = [
            {"instruction": text, "expect": expect}
            for text, expect in zip(scenario.instructions, scenario.steps, strict=True)
        ]
        print_json({"schema": SCHEMA, **_document(case), "dockerfile": scenario.dockerfile, "steps": steps})
        return
    file = case.file
    echo(f"{case.name}: {file.summary}")
    for text in filter(None, (file.mechanism, file.look and f"What to look at: {file.look}.")):
        echo("\n" + fill(text.strip()))
    rows = [[text, expect] for text, expect in zip(scenario.instructions, scenario.steps, strict=True)]
    echo("\n" + columns(rows, ["step", "expected without a change"]))
    if file.variations:
        rows = [[item.name, item.summary, " ".join(item.expect)] for item in file.variations]
        echo("\n" + columns(rows, ["variation", "what differs", "expected"]))
    if file.references or file.reference:
        urls = [[item.url, item.state] for item in file.references] or [[str(file.reference), ""]]
        echo("\n" + columns(urls, ["upstream", "state"]))
    echo(f"\n`python -m lab repro {case.name}` runs it.")


@cases.command(epilog="Example: python -m lab cases check --tag mode --lineup local --engine 20.10.24")
@click.argument("names", nargs=-1, metavar="[SCENARIO]...")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only cases with this tag (several allowed).")
@lineup_option
@engine_option("engines")
@builder_option
@provider_option
@click.option("--every", is_flag=True, help="Print every trial, not only those with another outcome.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the table as Markdown, too.")
@json_option
@verbose_option
def check(
    names: tuple[str, ...],
    tags: tuple[str, ...],
    lineup: str | None,
    engines: tuple[str, ...],
    builders: tuple[str, ...],
    provider: str,
    every: bool,
    output: Path | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Run cases with all their variations on every engine, and compare the outcomes with what each case expects.

    Exits as `repro` does: with 0 if every outcome is as expected and predicted.
    """
    from lab import files
    from lab.cli.conduct import boxes_for, conducting
    from lab.cli.runs import ending
    from lab.report.cases import cases_table
    from lab.run.experiment import Wish

    place = workplace(lineup)
    chosen = _chosen(names, tags, None)
    used, built_by = engines_named(place, engines), builders_named(builders)
    place.announce()
    specs = boxes_for(place, (), (), used, (), allow_prune=False, builders=built_by)
    runs: list[Run] = []
    with conducting(place, specs, provider, "cases", verbose=verbose) as conductor:
        for number, case in enumerate(chosen, 1):
            click.echo(f"case {number} of {len(chosen)}: {case.name}", err=True)
            fit, able = _able(case, [place.catalog.engine(name) for name in used], built_by)
            if not able:
                continue
            fit, made = fit or engines_named(place, case.file.engines), engines_named(place, case.file.producer_engines)
            if missing := [name for name in made if name not in used and not conductor.has(name)]:
                click.echo(
                    f"{case.name} is left out: it needs the engine {', '.join(missing)}, which is not here", err=True
                )
                continue
            wish = Wish(
                place.lineup.name,
                case.folder,
                variations=("all",),
                consumer_engines=fit,
                producer_engines=made,
                builders=able,
            )
            runs.append(conductor.run(wish, fit, made)[1])
    if as_json:
        print_json({"schema": SCHEMA, "trials": [_row(run, trial) for run in runs for trial in run.trials]})
    else:
        _show(runs, every=every)
    if output:
        files.write(output, cases_table(runs))
        click.echo(f"written to {output}", err=True)
    sys.exit(max(map(ending, runs), default=0))


def _able(case: Case, pins: Sequence[EngineSpec], asked: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The engines that can run a case, and the builders; no builder if no engine can. Without pins, any Docker can."""
    from lab.engines.kinds.table import kind_of
    from lab.run.builders.table import fitting
    from lab.run.scenarios import load_scenario

    scenario, found, able = load_scenario(case.folder, "scratch"), [], []
    for name, client in [(pin.name, kind_of(pin).client) for pin in pins] or [("", "docker")]:
        if not all(
            scenario.fits(pin.version) for pin in pins if pin.name == name and pin.version and client == "docker"
        ):
            continue
        builders = [item for item in fitting(name, client, asked) if scenario.problem_with(item) is None]
        found += [name] if builders and name else []
        able += builders
    return tuple(found), tuple(dict.fromkeys(able))


def _chosen(names: tuple[str, ...], tags: tuple[str, ...], word: str | None) -> list[Case]:
    from lab.project import find
    from lab.run.cases import case, cases

    folder = find().scenarios
    if names and tags:
        raise UsageError("cannot choose cases by name and by tag at once: use one of them")
    return [case(name, folder) for name in dict.fromkeys(names)] if names else cases(folder, tags=tags, word=word)


def _show(runs: list[Run], *, every: bool) -> None:
    """Print the trials that are not as expected or not as predicted, and how many there are of each."""
    rows = [_row(run, trial) for run in runs for trial in run.trials]
    odd = [row for row in rows if row["verdict"] != "as expected" or row["prediction"] == "contradicted"]
    if shown := rows if every else odd:
        heads = ["case", "variation", "engine", "expected", "seen", "prediction", "verdict"]
        echo(columns([list(row.values()) for row in shown], heads))
    predicted = sum(row["prediction"] == "ok" for row in rows)
    echo(f"{len(runs)} cases, {len(rows)} trials: {len(rows) - len(odd)} as expected, {predicted} predicted in full")


def _document(case: Case) -> dict[str, Any]:
    file = case.file
    return {
        "name": case.name,
        "summary": file.summary,
        "tags": list(file.tags),
        "mechanism": file.mechanism.strip() if file.mechanism else None,
        "look": file.look,
        "references": [item.model_dump() for item in file.references],
        "variations": [
            {"name": item.name, "summary": item.summary, "expect": list(item.expect)} for item in file.variations
        ],
        "free_commands": case.has_free_commands,
    }


def _row(run: Run, trial: Trial) -> dict[str, str]:
    from lab.report.prediction import prediction

    steps = trial.build.steps if trial.build else ()
    return {
        "case": run.scenario,
        "variation": trial.variation,
        "engine": trial.engine,
        "expected": " ".join(step.expected.value if step.expected else "-" for step in steps),
        "seen": " ".join(step.outcome.value for step in steps),
        "prediction": prediction(trial).value,
        "verdict": trial.verdict.value,
    }
