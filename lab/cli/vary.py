"""The verb that varies one thing at a time: `lab vary`."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING

import click

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
from lab.cli.own_project import ProjectWords, project_options, read_own
from lab.cli.terminal import echo, width
from lab.errors import UsageError

if TYPE_CHECKING:
    from lab.cli.options import Workplace


@click.command(epilog="Example: python -m lab vary --context . --axis +umask,+git --lineup local --base busybox")
@click.argument("case", required=False, metavar="[CASE|PATH]")
@click.option("--axis", "words", multiple=True, metavar="[+|-]AXIS[,..]", help="Only these axes; -AXIS leaves one out.")
@click.option("--list", "listed", is_flag=True, help="List the axes, and do nothing else.")
@click.option("--all", "every", is_flag=True, help="Build also what no key changes by lab's model.")
@click.option("--seed", type=int, metavar="NUMBER", help="The seed that chooses the spot checks; default: a new one.")
@lineup_option
@click.option("--box", metavar="BOX", help="The box of the lineup; default: the first one.")
@engine_option("engines")
@click.option("--other-engine", metavar="ENGINE", help="The engine of the axes engine and client.")
@provider_option
@project_options
@click.option("--allow-prune", is_flag=True, help="Let the run empty a Docker that lab did not install.")
@json_option
@verbose_option
def vary(
    case: str | None,
    words: tuple[str, ...],
    listed: bool,
    every: bool,
    seed: int | None,
    lineup: str | None,
    box: str | None,
    engines: tuple[str, ...],
    other_engine: str | None,
    provider: str,
    own: ProjectWords,
    allow_prune: bool,
    as_json: bool,
    verbose: bool,
) -> None:
    """Change one thing at a time, and show which differences between two machines miss a Dockerfile.

    CASE is a scenario (a name, or a folder's path); --context names a project of your own instead.
    """
    from lab.run.vary.table import chosen

    axes = chosen(words)
    if listed:
        if as_json:
            print_json([{"name": axis.name, "family": axis.family or None, "summary": axis.summary} for axis in axes])
        else:
            size = max(len(axis.name) for axis in axes)
            echo("\n".join(f"{axis.name:<{size}}  {axis.summary}" for axis in axes))
        return
    from lab.cli.conduct import boxes_for, conducting
    from lab.cli.machines import with_way_back
    from lab.report.table import table
    from lab.run.scenarios import find
    from lab.run.vary.experiment import vary as perform
    from lab.run.vary.request import Request

    if case and own.context:
        raise UsageError("cannot vary a case and a --context at once: name one of them")
    place = workplace(lineup)
    place.announce()
    project = read_own(own)
    used = engines_named(place, engines)
    name = box or place.lineup.boxes[0]
    request = Request(
        lineup=place.lineup.name,
        scenario=find(case or place.lineup.scenario, place.project.scenarios)
        if not project
        else place.project.scenarios,
        project=project,
        axes=axes,
        engine=used[0] if used else None,
        base=None if project else own.base(),
        every=every,
        seed=secrets.randbelow(10**6) if seed is None else seed,
    )
    other = _other(place, used, other_engine)
    specs = boxes_for(place, (name,), (name,), (*used, *other), (), allow_prune=allow_prune)
    with conducting(place, specs, provider, "vary", verbose=verbose) as conductor:
        ready = with_way_back(place, lambda: conductor.fleet.up(place.lineup.name, specs, provider, used, other))
        try:
            folder, run = perform(request, ready[0], conductor.fleet, place.project, conductor.screen.watch)
        finally:
            for item in ready:
                item.box.close()
    echo(f"{table(run, width())}\n\nstored in {folder}")
    sys.exit(0)


def _other(place: Workplace, used: tuple[str, ...], name: str | None) -> tuple[str, ...]:
    """The engine of the axes engine and client: the one named, else the newest Docker that needs no download."""
    from lab.engines.kinds.table import has_docker, kind_of
    from lab.machines.fleet import Fleet
    from lab.versions import natural

    if name:
        return engines_named(place, (name,))
    stock = Fleet(place.project, place.catalog, lambda event: None).stock
    there = [
        spec.name
        for spec in place.catalog.engines.values()
        if has_docker(spec) and kind_of(spec).is_release and stock.at_hand(spec) and stock.parts(spec)
    ]
    there = [item for item in there if item not in used]
    return (max(there, key=natural),) if there else ()
