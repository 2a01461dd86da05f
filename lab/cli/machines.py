"""Verbs about boxes: list, bake, start, show, log in, suspend."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from lab.boxes.base import Command, OnOutput
from lab.boxes.boot import SilentError
from lab.boxes.kinds.table import kind_of, open_box, state_of
from lab.boxes.local import LocalBox
from lab.boxes.notes import Notes
from lab.boxes.process import run_process
from lab.cli.cleanup import guarded
from lab.cli.columns import columns, fill
from lab.cli.options import (
    Workplace,
    boxes_named,
    engine_option,
    engines_named,
    json_option,
    lineup_option,
    one_box,
    print_json,
    provider_option,
    verbose_option,
    workplace,
)
from lab.cli.pack import bring_from, from_option
from lab.cli.screen import screen
from lab.cli.terminal import echo
from lab.engines.host import keep
from lab.engines.pins import PINS
from lab.errors import CommandError, Interrupted
from lab.files import hold
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.machines.removal import Removal
from lab.project import find

LONGEST = 64 << 20  # bytes of output in the JSON of one box
V = TypeVar("V")


@click.command(epilog="Example: python -m lab boxes --json")
@json_option
def boxes(as_json: bool) -> None:
    """List every box with its state, and every lineup."""
    project = find()
    catalog = Catalog(project.boxes, project.cache / PINS)
    rows = []
    for spec in catalog.boxes.values():
        names = [lineup.name for lineup in catalog.lineups.values() if spec.name in lineup.boxes]
        state = state_of(spec, project)
        row = {"name": spec.name, "kind": spec.kind, "state": state, "engines": spec.engines, "lineups": names}
        rows.append({**row, "summary": spec.summary})
    if as_json:
        lineups = {
            lineup.name: {"boxes": lineup.boxes, "summary": lineup.summary} for lineup in catalog.lineups.values()
        }
        print_json({"schema": 1, "boxes": rows, "lineups": lineups})
        return
    table = [
        [row["name"], row["kind"], row["state"], " ".join(row["engines"]), " ".join(row["lineups"])] for row in rows
    ]
    click.echo(columns(table, ["box", "kind", "state", "engines", "lineups"]))
    click.echo()
    for lineup in catalog.lineups.values():
        click.echo(fill(f"lineup {lineup.name}: {lineup.summary}", indent="  ", first=""))


@click.command(epilog="Example: python -m lab bake")
@click.argument("recipes", nargs=-1, metavar="[RECIPE]...")
@json_option
@verbose_option
def bake(recipes: tuple[str, ...], as_json: bool, verbose: bool) -> None:
    """Build the boxes of these recipes from Debian's archive; without a name, those of the lineup debian.

    A box whose recipe has not changed is taken from the cache.
    """
    from lab.boxes.baking.bake import bake as bake_recipe
    from lab.boxes.baking.recipes import load_recipe
    from lab.machines.auto import EMBEDDED
    from lab.machines.catalog import pick

    project = find()
    catalog = Catalog(project.boxes, project.cache / PINS)
    paths = {path.stem: path for path in (project.boxes / "recipes").glob("*.yaml")}
    specs = [catalog.box(name) for name in catalog.lineup(EMBEDDED).boxes]
    names = recipes or tuple(sorted({name for spec in specs if (name := kind_of(spec).recipe(spec))}))
    files: dict[str, Path] = {}
    with screen(verbose) as shown:
        for name in names:
            recipe = load_recipe(pick(name, paths, "recipe"))
            with hold(project.cache, [f"bake-{name}"], "bake", wait=True):
                files |= bake_recipe(
                    recipe, cache=project.cache / "boxes", shell=LocalBox("this machine"), tell=shown.tell
                )
    if as_json:
        print_json({"schema": 1, "boxes": files})
    else:
        click.echo("\n".join(f"{name}: {path}" for name, path in files.items()))


@click.command(epilog="Example: python -m lab up --lineup debian")
@click.argument("names", nargs=-1, metavar="[BOX]...")
@lineup_option
@engine_option("engines")
@provider_option
@click.option("--destroy", is_flag=True, help="Remove a box that stops booting; without it, it is kept for a look.")
@from_option("Take boxes and engines from a pack: its folder, or the address at which `python -m lab serve` offers it.")
@verbose_option
def up(
    names: tuple[str, ...],
    lineup: str | None,
    engines: tuple[str, ...],
    provider: str,
    destroy: bool,
    pack_from: str | None,
    verbose: bool,
) -> None:
    """Start the lineup's boxes, or those named, side by side, and check that each runs its pinned Docker.

    As many new virtual machines boot at once as there are processors and free memory for.

    A suspended box is resumed. A running box is left as it is. A slow box is waited for as long as its console, Vagrant
    or ssh shows anything new.
    """
    place = workplace(lineup)
    place.announce()
    specs = place.specs(names)
    wanted = engines_named(place, engines)
    held = hold(place.project.state, [spec.name for spec in specs], "up")
    with held, screen(verbose) as shown, guarded(place.project, shown.tell):
        fleet = Fleet(place.project, place.catalog, shown.tell)
        if pack_from:
            bring_from(pack_from, place, fleet, specs, wanted)
        try:
            ready = with_way_back(place, lambda: fleet.up(place.lineup.name, specs, provider, wanted), names)
        except SilentError as error:
            if destroy:
                silent = [spec.name for spec in specs if _silent(place, spec.name)]
                Removal(fleet.site).remove([*{*silent, error.box}])
                error.hint = f"{error.box} was removed (--destroy)"
            raise
        keep(place.project.state)
    for item in ready:
        item.box.close()
        versions = ", ".join(engine.title for engine in item.engines)
        echo(f"{item.box.name}: up, {versions}")


def _silent(place: Workplace, name: str) -> bool:
    """True if the box is noted as one that stopped booting."""
    note = Notes(place.project.state).read(name)
    return note is not None and note.silent


def with_way_back(place: Workplace, work: Callable[[], V], names: tuple[str, ...] = ()) -> V:
    """Do the work on the lineup, or on the boxes of these names; Interrupted then names the command that cleans up.

    For this machine alone that command removes no box.
    """
    try:
        return work()
    except (Interrupted, KeyboardInterrupt) as error:
        these = " ".join(names) or f"--lineup {place.lineup.name}"
        hint = f"`python -m lab down {these}` removes what exists; `python -m lab up {these}` continues"
        if all(spec.kind == "local" for spec in place.specs(names)):
            hint = "`python -m lab down --leftovers` removes what exists"
        raise stopped(error, hint) from error


def stopped(error: Interrupted | KeyboardInterrupt, hint: str) -> Interrupted:
    """The error for an interruption, of a job or of the main thread, with a hint."""
    return Interrupted(error.message if isinstance(error, Interrupted) else Interrupted.by(error).message, hint=hint)


@click.command(epilog="Example: python -m lab ssh debian12-selinux")
@click.argument("name", metavar="BOX")
@lineup_option
def ssh(name: str, lineup: str | None) -> None:
    """Open a shell on a box."""
    place = workplace(lineup)
    box = open_box(one_box(place, name), place.project)
    ended = run_process(box.login(), interactive=True)
    click.echo(ended.stderr, err=True, nl=False)  # empty but where ssh itself is not there
    sys.exit(ended.exit)


@click.command(
    "exec",
    epilog="Example: python -m lab exec all -- docker version",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("name", metavar="BOX|all")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@lineup_option
@json_option
def exec_(name: str, command: tuple[str, ...], lineup: str | None, as_json: bool) -> None:
    """Run one command on a box, or on all boxes of the lineup in turn; what it prints is shown as it comes.

    Exits with the command's own status; on several boxes, with 8 if it failed on one. lab ends a command after ten
    minutes. --json holds the whole output, which may have 64 MB a box.
    """
    place = workplace(lineup)
    names = boxes_named(place, (name,))
    code, rows = 0, []
    for box_name in names:
        box = open_box(one_box(place, box_name), place.project)
        if not as_json and len(names) > 1:
            echo(f"== {box_name}")
            sys.stdout.flush()
        try:
            result = box.execute(Command(command, keeps=as_json), _bounded(box_name) if as_json else _pass_on)
        except UnwrittenError as error:
            raise error.why from error
        finally:
            box.close()
        code = code or result.exit
        row = {"box": box_name, "exit": result.exit, "stdout": result.text, "seconds": round(result.seconds, 3)}
        rows.append({**row, "stderr": result.stderr.decode("utf-8", "replace")})
        if not as_json:
            _pass_on("stderr", result.stderr)  # of a program that did not start
            if len(names) > 1:
                click.echo(f"== {box_name} (exit status {result.exit})")
            if result.timed_out:
                click.echo(f"lab: {result.overrun} on {box_name}", err=True)
    if as_json:
        print_json({"schema": 1, "results": rows})
    if code:
        sys.exit(CommandError.exit_code if len(names) > 1 else code)


class UnwrittenError(Exception):
    """Nobody takes what a command prints; `why` is the error of lab's own stream, which no connection raised."""

    def __init__(self, why: OSError) -> None:
        super().__init__(str(why))
        self.why = why


def _pass_on(name: str, data: bytes) -> None:
    """Print what a command has just printed, byte for byte, on the stream of that name."""
    try:
        stream = (sys.stdout if name == "stdout" else sys.stderr).buffer
        stream.write(data)
        stream.flush()
    except OSError as error:
        raise UnwrittenError(error) from error


def _bounded(box: str) -> OnOutput:
    """A listener that raises CommandError for a command of the box whose output is too long to be kept."""
    total = 0

    def hear(_: str, data: bytes) -> None:
        nonlocal total
        total += len(data)
        if total > LONGEST:
            raise CommandError(
                f"cannot print the output as JSON: the output has more than {LONGEST >> 20} MB on {box}",
                hint="leave out --json: the output is then passed on as it comes",
            )

    return hear


@click.command(epilog="Example: python -m lab suspend")
@click.argument("names", nargs=-1, metavar="[BOX]...")
@lineup_option
@verbose_option
def suspend(names: tuple[str, ...], lineup: str | None, verbose: bool) -> None:
    """Suspend the lineup's boxes, or those named; `up` resumes them in seconds."""
    place = workplace(lineup)
    chosen = boxes_named(place, names)
    with hold(place.project.state, chosen, "suspend"), screen(verbose) as shown:
        Fleet(place.project, place.catalog, shown.tell).suspend(chosen)
