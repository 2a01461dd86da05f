"""The verb that writes docs/truth-table.md from stored runs, and docs/truth-digests.md from builds that it makes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.options import json_option, verbose_option
from lab.cli.output import give
from lab.errors import CONTRADICTED, UsageError

if TYPE_CHECKING:
    from lab.results.run import Run

SCENARIOS = "truth-*"
CASES = "digests.yaml"  # in templates/
ENGINE = "buildkit-0.25.2"  # the one that shows what it hashed


@click.command(epilog="Example: python -m lab truth --output docs/truth-table.md")
@click.argument("names", nargs=-1, metavar="[RUN]...")
@click.option(
    "--digests", is_flag=True, help="Compare digests with those of a real buildkitd, started on this machine."
)
@click.option(
    "--random",
    "count",
    type=click.IntRange(1),
    metavar="N",
    help="Make N random builds on engines of this machine and compare each step with its prediction.",
)
@click.option("--seed", type=click.IntRange(0), metavar="SEED", help="The first seed of --random; default: any.")
@click.option(
    "--engine",
    metavar="ENGINE[,ENGINE..]",
    help=f"The buildkitds of --digests ({ENGINE} by default); the Dockers of --random (default: all that are at hand).",
)
@click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where --random stores contradicted predictions; default: the test data of the checkout.",
)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to this file.")
@json_option
@verbose_option
def truth(
    names: tuple[str, ...],
    digests: bool,
    count: int | None,
    seed: int | None,
    engine: str | None,
    store: Path | None,
    output: Path | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Print a table of what lab predicted and what engines did, in the runs named, else in the newest run of each
    truth-* scenario. `make truth` makes those runs first.

    With --digests, each real buildkitd builds every case of templates/digests.yaml, or those named, and the table shows
    which of the digests that lab computes BuildKit computed too. The exit code is 12 if one is missing there.

    With --random, each trial builds a random Dockerfile and context, and rebuilds it with one random change from the
    image's cache. The exit code is 12 if a step did not do what was predicted. Such a build is made smaller and stored.
    """
    if count is None and (seed is not None or store is not None):
        raise UsageError("cannot use --seed or --store without --random")
    if count is not None:
        if digests or names:
            raise UsageError("cannot use --random with --digests or with the name of a run")
        from lab.cli.random_trials import random_trials

        random_trials(count, seed, engine, store, output, as_json=as_json, verbose=verbose)
        return
    if digests:
        _digests(names, engine or ENGINE, output, as_json=as_json, verbose=verbose)
        return
    if engine or as_json:
        raise UsageError("cannot use --engine or --json without --digests or --random")
    _print_table(names, output)


def _print_table(names: tuple[str, ...], output: Path | None) -> None:
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

    give(truth_table(runs, summary), output)


def _digests(names: tuple[str, ...], engines: str, output: Path | None, *, as_json: bool, verbose: bool) -> None:
    from lab.boxes.local import LocalBox
    from lab.buildkit.rulebook import Rulebook
    from lab.cli.screen import screen
    from lab.engines.stock import Stock
    from lab.machines.catalog import Catalog, pick
    from lab.project import find
    from lab.registry.server import serve
    from lab.report.digests import CheckedEngine, digests_json, digests_table
    from lab.run.digest_check import check_engine, open_bench, read_cases, run

    project = find()
    known = {case.name: case for case in read_cases(project.scenarios.parent / CASES)}
    cases = [pick(name, known, "case") for name in names] or list(known.values())
    catalog, book = Catalog(project.boxes), Rulebook(project.boxes)
    specs = [catalog.engine(name) for name in dict.fromkeys(engines.split(","))]
    for spec in specs:
        check_engine(spec)
    shell = LocalBox("this machine")
    stock = Stock(catalog.engines, project.boxes / "engines", project.cache, shell)
    found: list[CheckedEngine] = []
    with screen(verbose) as shown:
        for spec in specs:
            rules = book.need(spec.name)
            with (
                serve(None, None, shown.tell) as registry,
                open_bench(shell, spec, rules, stock, project.state, registry, shown.tell) as bench,
            ):
                done, version = run(bench, cases, shown.tell), f"{spec.name} (BuildKit {bench.engine.server})"
            found.append(CheckedEngine(version, rules.rules.name, tuple(done)))
    text = json.dumps(digests_json(found), indent=1, ensure_ascii=False) + "\n" if as_json else digests_table(found)
    give(text, output)
    if any(engine.failed for engine in found):
        sys.exit(CONTRADICTED)


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
