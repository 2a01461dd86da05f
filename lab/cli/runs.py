"""Verbs about runs: make one, and read build logs of anybody's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import click
from tabulate import tabulate

from lab.cli.machines import with_way_back
from lab.cli.options import (
    engine_option,
    engines_named,
    json_option,
    lineup_option,
    print_json,
    provider_option,
    verbose_option,
    workplace,
)
from lab.cli.screen import paint, screen
from lab.errors import Interrupted, ReadError, UsageError
from lab.state import hold

COLOURS = {"hit": "green", "ran": "red", "error": "red", "unknown": "yellow", "busted": "red", "broken": "red"}
DIFFERS = 4


@click.command(epilog="Example: python -m lab repro copy-bust --variation user-xattr --consumer debian12-selinux")
@click.argument("scenario", required=False)
@lineup_option
@engine_option
@click.option(
    "--producer-engine", "producer_engines", multiple=True, metavar="NAME", help="Producers build with this one."
)
@provider_option
@click.option("--producer", "producers", multiple=True, metavar="BOX", help="Only this producer (several allowed).")
@click.option("--consumer", "consumers", multiple=True, metavar="BOX", help="Only this consumer (several allowed).")
@click.option(
    "--variation",
    "variations",
    multiple=True,
    metavar="NAME",
    help="Only this variation, `none` for no change (several allowed); default: none and the scenario's own.",
)
@click.option("--base", metavar="IMAGE", help="The base image, instead of alpine or the box's busybox.")
@click.option(
    "--registry", metavar="HOST/USER", help="An external registry, as in docker.io/USER; the box's login is used."
)
@click.option("--registry-port", type=click.IntRange(1, 65535), help="The loopback port of the lab's own registry.")
@click.option("--allow-prune", is_flag=True, help="Let the run prune the Docker of boxes that lab did not make.")
@json_option
@verbose_option
def repro(
    scenario: str | None,
    lineup: str | None,
    engines: tuple[str, ...],
    producer_engines: tuple[str, ...],
    provider: str,
    producers: tuple[str, ...],
    consumers: tuple[str, ...],
    variations: tuple[str, ...],
    base: str | None,
    registry: str | None,
    registry_port: int | None,
    allow_prune: bool,
    as_json: bool,
    verbose: bool,
) -> None:
    """Run a scenario (a name, or a folder's path; default: the lineup's) on every producer and consumer.

    Prints the table and stores the run under results/. Exits with 0 if every outcome is as the scenario expects,
    with 4 if one differs.
    """
    from lab.fleet import Fleet
    from lab.lineups import pick
    from lab.matrix import Wish, perform
    from lab.report.table import table
    from lab.scenarios import find, load_scenario

    place = workplace(lineup)
    place.announce()
    folder = find(scenario or place.lineup.scenario, place.project.scenarios)
    load_scenario(folder, "scratch").variations(variations)  # what is wrong here is said before a box is touched
    specs = {spec.name: spec for spec in place.specs(())}
    for name in (*producers, *consumers):
        pick(name, specs, "box", f"lineup {place.lineup.name}")
    wanted_engines, made_by = engines_named(place, engines), engines_named(place, producer_engines)
    planner = Fleet(place.project, place.catalog, lambda event: None)
    kept = [
        spec for spec in specs.values() if allow_prune or not planner.uses_own_docker(spec, wanted_engines, made_by)
    ]
    # one side left open takes every box; only both named leave some out
    narrow = producers and consumers
    wanted = [spec for spec in kept if not narrow or spec.name in (*producers, *consumers)]
    for spec in specs.values():
        if spec not in kept:
            _refuse_prune(spec.name, bool(spec.optional and kept))
    wish = Wish(
        place.lineup.name,
        folder,
        producers,
        consumers,
        variations,
        consumer_engines=wanted_engines,
        producer_engines=made_by,
        base=base,
        registry=registry,
        registry_port=registry_port,
    )
    with hold(place.project.state, [spec.name for spec in wanted], "repro"), screen(verbose) as shown:
        fleet = Fleet(place.project, place.catalog, shown.tell)
        running = fleet.private()  # those stay; what this run starts on this machine ends with it
        ready = with_way_back(place, lambda: fleet.up(place.lineup.name, wanted, provider, wanted_engines, made_by))
        try:
            run_folder, run = perform(wish, ready, place.project, shown.tell)
        except Interrupted as error:
            raise Interrupted(
                error.message,
                hint=f"what was measured is kept in {place.project.results}; `python -m lab down` removes the boxes",
            ) from error
        finally:
            for item in ready:
                item.box.close()
    if as_json:
        click.echo(run.to_json(), nl=False)
    else:
        click.echo(_colour(table(run)))
        click.echo(f"\nstored in {run_folder}")
    sys.exit(0 if run.as_expected else DIFFERS)


def _refuse_prune(name: str, optional: bool) -> None:
    """The bug report's sequence prunes all images and cache: never on a Docker that is not lab's without a word."""
    text = f"{name} is left out: the sequence removes every image and all build cache of its Docker"
    if not optional:
        raise UsageError(f"cannot use {text.replace(' is left out', '')}", hint="--allow-prune permits it")
    click.echo(f"{text} (--allow-prune permits it)", err=True)


@click.command(epilog="Example: docker build --progress=plain . 2>&1 | python -m lab read -")
@click.argument("files", nargs=-1, required=True, metavar="FILE..|-", type=click.File("rb"))
@json_option
def read(files: tuple[BinaryIO, ...], as_json: bool) -> None:
    """Read build logs in any form (plain, pasted from a terminal, rawjson, classic) and show what hit and what ran."""
    from lab.progress.build import Build, document
    from lab.progress.reader import read_builds

    builds: list[Build] = []
    for file in files:
        found = read_builds(file.read())
        if not any(build.steps for build in found):
            raise ReadError(
                f"cannot read {Path(file.name).name}: no build step in it",
                hint="give the output of docker build: --progress=plain, rawjson, a pasted terminal, or classic",
            )
        builds += found
    if as_json:
        print_json(document(builds))
        return
    for number, build in enumerate(builds, 1):
        sent = "?" if build.context_bytes is None else f"{build.context_bytes}B"
        caches = ", ".join(f"{item.ref} ({_worked(item.ok)})" for item in build.imports) or "none"
        click.echo(f"build {number}: {build.builder}  context {sent}  cache from {caches}")
        rows = [[s.stage or "", f"{s.index}/{s.total}", s.instruction, s.outcome.value, s.seconds] for s in build.steps]
        table = tabulate(
            rows,
            ["stage", "step", "instruction", "outcome", "seconds"],
            tablefmt="plain",
            maxcolwidths=[16, None, 50, None, None],
        )
        click.echo(_colour(table) + "\n")


def _worked(ok: bool | None) -> str:
    return {True: "read", False: "could not be read", None: "unknown"}[ok]


def _colour(table: str) -> str:
    """Outcome words in colour, on a terminal only; the width of the table stays."""
    if not sys.stdout.isatty():
        return table
    import re

    return re.sub(r"\b(" + "|".join(COLOURS) + r")\b", lambda match: paint(match[1], COLOURS[match[1]]), table)
