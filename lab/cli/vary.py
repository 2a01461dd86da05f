"""The verb that varies one thing at a time: `lab vary`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.options import (
    engine_option,
    json_option,
    lineup_option,
    print_json,
    provider_option,
    verbose_option,
)
from lab.cli.own_project import ProjectWords, project_options
from lab.cli.screen import coloured
from lab.cli.terminal import echo, width
from lab.cli.vary_start import VaryWords, start_of
from lab.errors import CONTRADICTED, DIFFERS, NOT_KNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.cli.conduct import Conductor
    from lab.cli.vary_start import Start
    from lab.machines.ready import Ready
    from lab.results.run import Run
    from lab.run.vary.axis import Axis


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
    help="Bisect the difference of two boxes of a lineup, or of two sides with the files of the --context (a folder, a "
    "file of records, HOST:PATH, RUN:BOX).",
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
    the run proves nothing, as where no difference could be tried.
    """
    from lab.cli.conduct import boxes_for, conducting
    from lab.report.table import table
    from lab.run.vary.table import chosen

    axes = chosen(words)
    if listed:
        _list(axes, as_json=as_json)
        return
    asked = VaryWords(case, words, every, not no_remedies, seed, between, lineup, box, engines, other_engine, own)
    start = start_of(asked, axes)
    place, both = start.place, start.boxes
    specs = boxes_for(place, both, both, (*start.engines, *start.other), (), allow_prune=allow_prune)
    specs = sorted(specs, key=lambda spec: both.index(spec.name))
    with conducting(place, specs, provider, "vary", verbose=verbose) as conductor:
        folder, run = _performed(conductor, start)
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


def _performed(conductor: Conductor, start: Start) -> tuple[Path, Run]:
    """Bring the boxes up with their engines and make the run; Ctrl-C names the command that makes the rest."""
    from lab.cli.machines import with_way_back
    from lab.run.vary.performing import StoppedError, vary

    place = conductor.place
    ready = with_way_back(place, lambda: _brought_up(conductor, start))
    try:
        return vary(start.request, ready, conductor.fleet, place.project, conductor.screen.watch)
    except StoppedError as stop:
        stop.hint = f"what was found is kept in {stop.folder}{_way_on(stop.left)}"
        raise
    finally:
        for item in ready:
            item.box.close()


def _brought_up(conductor: Conductor, start: Start) -> list[Ready]:
    """The boxes with the engines that are used, and no other: side by side where all use the same."""
    fleet, lineup, specs = conductor.fleet, conductor.place.lineup.name, conductor.specs
    first = {spec.name: start.engines or (fleet.first_engine(spec),) for spec in specs}
    groups = [specs] if len(set(first.values())) == 1 else [[spec] for spec in specs]
    return [
        item
        for group in groups
        for item in fleet.up(lineup, group, conductor.provider, first[group[0].name], start.other)
    ]


def ending(run: Run) -> int:
    """The exit code: 12 for a contradicted prediction, 14 if the run proves nothing, 4 if an axis misses, else 0.

    A run proves nothing if its control fails, if a difference has no answer, or if none was tried.
    """
    from lab.report.vary import is_untried, misses
    from lab.results.varied import State

    found = run.vary
    if found is None or found.problem:
        return NOT_KNOWN
    if found.contradicted:
        return CONTRADICTED
    if misses(found):
        return DIFFERS
    failed = any(axis.state is State.FAILED for axis in found.axes)
    return NOT_KNOWN if failed or is_untried(found) else 0


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
