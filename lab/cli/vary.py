"""The verb that varies one thing at a time: `lab vary`."""

from __future__ import annotations

import secrets
import shlex
import sys
from pathlib import Path
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
from lab.cli.screen import coloured
from lab.cli.terminal import echo, width
from lab.errors import CONTRADICTED, DIFFERS, NOT_KNOWN, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.cli.conduct import Conductor
    from lab.cli.options import Workplace
    from lab.results.run import Run
    from lab.run.own_project.project import OwnProject
    from lab.run.vary.axis import Axis
    from lab.run.vary.between.searching import Sides
    from lab.run.vary.request import Request


@click.command(epilog="Example: python -m lab vary --context . --axis +umask,+git --lineup local --base busybox")
@click.argument("case", required=False, metavar="[CASE|PATH]")
@click.option("--axis", "words", multiple=True, metavar="[+|-]AXIS[,..]", help="Only these axes; -AXIS leaves one out.")
@click.option("--list", "listed", is_flag=True, help="List the axes, and do nothing else.")
@click.option("--all", "every", is_flag=True, help="Build also what no key changes by lab's model.")
@click.option("--no-remedies", is_flag=True, help="Try no remedy.")
@click.option("--seed", type=int, metavar="NUMBER", help="The seed that chooses the spot checks; default: a new one.")
@click.option(
    "--between",
    nargs=2,
    metavar="A B",
    help="Bisect the difference of two sides (a folder, a file of records, HOST:PATH, RUN:BOX) for the --context.",
)
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
    no_remedies: bool,
    seed: int | None,
    between: tuple[str, str] | None,
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

    CASE is a scenario (a name, or a folder's path; default: the lineup's); --context names a project of your own. One
    box builds it with one engine, and rebuilds it from its own cache after each change. A change that misses no key by
    lab's model is not built, but for a few spot checks. Every run has a rebuild without a change, which must hit, and
    one after a changed byte, which must miss.

    Exits with 0 if no change misses, with 4 if one does, with 12 if an engine contradicts the model, and with 14 if
    the run proves nothing.
    """
    from lab.cli.conduct import boxes_for, conducting
    from lab.report.table import table
    from lab.run.scenarios import find
    from lab.run.vary.request import Request
    from lab.run.vary.table import chosen

    axes = chosen(words)
    if listed:
        _list(axes, as_json=as_json)
        return
    if case and own.context:
        raise UsageError("cannot vary a case and a --context at once: name one of them")
    place = workplace(lineup)
    place.announce()
    project = read_own(own)
    used = engines_named(place, engines)
    request = Request(
        lineup=place.lineup.name,
        scenario=Path() if project else find(case or place.lineup.scenario, place.project.scenarios),
        project=project,
        axes=axes,
        engine=used[0] if used else None,
        base=None if project else own.base(),
        every=every,
        seed=secrets.randbelow(10**6) if seed is None else seed,
        remedies=not no_remedies,
        sides=_sides(place, between, project) if between else None,
    )
    other = _other(place, used, other_engine) if any(axis.name in ("client", "engine") for axis in axes) else ()
    name = box or place.lineup.boxes[0]
    specs = boxes_for(place, (name,), (name,), (*used, *other), (), allow_prune=allow_prune)
    with conducting(place, specs, provider, "vary", verbose=verbose) as conductor:
        folder, run = _performed(conductor, request, used, other)
    if as_json:
        click.echo(run.to_json(), nl=False)
    else:
        echo(f"{coloured(table(run, width()))}\n\nstored in {folder}")
    sys.exit(ending(run))


def _list(axes: Sequence[Axis], *, as_json: bool) -> None:
    if as_json:
        print_json([{"name": axis.name, "family": axis.family or None, "summary": axis.summary} for axis in axes])
    else:
        size = max(len(axis.name) for axis in axes)
        echo("\n".join(f"{axis.name:<{size}}  {axis.summary}" for axis in axes))


def _performed(
    conductor: Conductor, request: Request, used: tuple[str, ...], other: tuple[str, ...]
) -> tuple[Path, Run]:
    """Bring the box up with its engines and make the run; Ctrl-C names the command that makes the rest."""
    from lab.cli.machines import with_way_back
    from lab.run.vary.performing import StoppedError, vary

    place, fleet = conductor.place, conductor.fleet
    lineup, specs = place.lineup.name, conductor.specs
    ready = with_way_back(place, lambda: fleet.up(lineup, specs, conductor.provider, used, other))
    try:
        return vary(request, ready[0], fleet, place.project, conductor.screen.watch)
    except StoppedError as stop:
        stop.hint = f"what was found is kept in {stop.folder}{_way_on(stop.left)}"
        raise
    finally:
        for item in ready:
            item.box.close()


def ending(run: Run) -> int:
    """The exit code: 12 for a contradicted prediction, 14 if the run proves nothing, 4 if an axis misses, else 0."""
    from lab.report.vary import misses
    from lab.results.varied import State

    found = run.vary
    if found is None or found.problem:
        return NOT_KNOWN
    if found.contradicted:
        return CONTRADICTED
    if misses(found):
        return DIFFERS
    return NOT_KNOWN if any(axis.state is State.FAILED for axis in found.axes) else 0


def _way_on(left: Sequence[str]) -> str:
    """The command that makes the rest: the words of this one, with the axes that are left."""
    words = list(sys.argv[1:])
    kept: list[str] = []
    while words:
        word = words.pop(0)
        if word == "--axis":
            del words[:1]
        elif not word.startswith("--axis="):
            kept.append(word)
    return f"; `{shlex.join(['python', '-m', 'lab', *kept, '--axis', ','.join(left)])}` goes on" if left else ""


def _sides(place: Workplace, words: tuple[str, str], project: OwnProject | None) -> Sides:
    """The objects of both sides, read as `lab diff` reads them."""
    from lab.buildkit.rulebook import Rulebook
    from lab.run.sides.side import Opener, relative_to
    from lab.run.vary.between.searching import Sides

    if project is None:
        raise UsageError("cannot bisect two sides without --context: it names the project that both sides build")
    rules = list(Rulebook(place.project.boxes).rule_sets.values())
    opener = Opener(place.project, rules, project.file, relative_to(project.file, words))
    first, second = (opener.open(word).context for word in words)
    for word, context in zip(words, (first, second), strict=True):
        if not context.attributes_known:
            click.echo(f"note: the extended attributes of {word} are not known, and count as none", err=True)
    return Sides(words, first.objects, second.objects)


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
