"""`lab truth --random`: random builds on the engines of this machine, and what came of their predictions."""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli.options import Workplace, engines_named, workplace
from lab.errors import CONTRADICTED, Interrupted, UsageError

if TYPE_CHECKING:
    from lab.cli.conduct import Conductor
    from lab.report.random_trials import RandomTrials

LINEUP = "local"  # this machine alone
SEEDS = 1_000_000  # a seed that nobody names is below this
STORED = ("tests", "data", "contradictions")  # in a checkout


def random_trials(
    count: int,
    seed: int | None,
    engine: str | None,
    store: Path | None,
    output: Path | None,
    *,
    as_json: bool,
    verbose: bool,
) -> None:
    """Make the trials, print the table of counts and every contradiction; exit with 12 if there is one."""
    from lab.cli.conduct import boxes_for, conducting
    from lab.cli.output import give
    from lab.cli.terminal import say

    place = workplace(LINEUP)
    seed = secrets.randbelow(SEEDS) if seed is None else seed
    engines = _engines(place, engine)
    say(f"{count} random trials from seed {seed} on with {', '.join(engines)}", err=True)
    specs = boxes_for(place, (), (), engines, (), allow_prune=False)
    with conducting(place, specs, "auto", "truth --random", verbose=verbose) as conductor:
        found = _found(conductor, count, seed, engines, store or _folder(place))
    give(json.dumps(found.to_json(), indent=1, ensure_ascii=False) + "\n" if as_json else _text(found), output)
    if found.whole.wrong:
        sys.exit(CONTRADICTED)


def _found(conductor: Conductor, count: int, seed: int, engines: tuple[str, ...], store: Path) -> RandomTrials:
    """Start the engines, make the trials, and settle what they found; Interrupted says how to repeat them."""
    from lab.cli.machines import stopped, with_way_back
    from lab.run.random_trials.campaign import run
    from lab.run.random_trials.findings import command, findings
    from lab.run.random_trials.opening import open_bench

    place, tell = conductor.place, conductor.screen.tell
    ready = with_way_back(place, lambda: conductor.fleet.up(LINEUP, conductor.specs, conductor.provider, engines))[0]
    try:
        with open_bench(ready, place.project, tell) as bench:
            return findings(bench, run(bench, count, seed, tell), seed, store, tell)
    except (Interrupted, KeyboardInterrupt) as error:
        raise stopped(error, f"`{command(count, seed, engines)}` begins again") from error
    finally:
        ready.box.close()


def _engines(place: Workplace, words: str | None) -> tuple[str, ...]:
    """The engines named; without names, each pinned Docker that this machine can start without a download."""
    from lab.engines.kinds.table import has_docker, kind_of
    from lab.machines.fleet import Fleet

    stock = Fleet(place.project, place.catalog, lambda event: None).stock
    names = engines_named(place, (words or "all",))
    specs = [place.catalog.engine(name) for name in names]
    private = tuple(spec.name for spec in specs if stock.parts(spec) and has_docker(spec))
    for spec in specs if words else ():
        if not has_docker(spec):
            client = kind_of(spec).client
            raise UsageError(f"cannot use {spec.name} for random trials: its client is {client}, and they need docker")
        if spec.name not in private:
            raise UsageError(f"cannot use {spec.name} for random trials: lab cannot start it on this machine")
    if not private:
        raise UsageError("cannot find an engine for random trials", hint="python -m lab engines build 26.1.5")
    return private


def _folder(place: Workplace) -> Path:
    """Where contradictions are stored: the test data of a checkout, else beside the stored runs."""
    folder = place.project.root.joinpath(*STORED)
    return folder if folder.parent.is_dir() else place.project.results / STORED[-1]


def _text(found: RandomTrials) -> str:
    from lab.cli.columns import columns
    from lab.report.random_trials import HEADINGS, details, rows

    return "\n".join([columns(rows(found), HEADINGS), *details(found)]) + "\n"
