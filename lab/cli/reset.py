"""Verbs that set boxes back: `reset` to their first state, `snapshot` to any state that was saved."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from lab.boxes.kinds.table import kind_of
from lab.boxes.notes import Notes
from lab.boxes.specs import BoxSpec
from lab.cli.cleanup import guarded
from lab.cli.columns import columns
from lab.cli.options import Workplace, json_option, lineup_option, one_box, print_json, verbose_option, workplace
from lab.cli.screen import screen
from lab.engines.host import keep
from lab.errors import UsageError
from lab.files import hold
from lab.machines.fleet import Fleet
from lab.machines.rewinding import Rewinder
from lab.machines.snapshots import PRISTINE
from lab.workers import each, raise_first

Work = Callable[[Rewinder, BoxSpec], None]


@click.command(epilog="Example: python -m lab reset debian12-selinux")
@click.argument("names", nargs=-1, metavar="[BOX]...")
@click.option("--all", "every", is_flag=True, help="All boxes of the lineup that are up.")
@lineup_option
@json_option
@verbose_option
def reset(names: tuple[str, ...], every: bool, lineup: str | None, as_json: bool, verbose: bool) -> None:
    """Set boxes back to their first state: as `up` left them when it made them, with their engines.

    Whatever was done on the box since then is gone, also if it broke the box. The box needs no boot, and its clock is
    right. A box that was never up, or does not answer afterwards, ends lab with an error that names the next command.
    """
    place = workplace(lineup)
    if every == bool(names):
        raise UsageError("cannot reset: name boxes, or all by --all", hint="python -m lab status shows what is up")
    seconds = _at_each(place, _chosen(place, names), "reset", lambda rewinder, spec: rewinder.restore(spec), verbose)
    if as_json:
        rows = [{"box": name, "snapshot": PRISTINE, "seconds": took} for name, took in seconds.items()]
        print_json({"schema": 1, "boxes": rows})
        return
    for name, took in seconds.items():
        click.echo(f"{name}: as `up` made it, after {took:.1f} s")


@click.group(epilog="Example: python -m lab snapshot save before-lesson-3")
def snapshot() -> None:
    """Save, list, restore and remove states of boxes under names of your own."""


@snapshot.command(epilog="Example: python -m lab snapshot save before-lesson-3 debian12-selinux")
@click.argument("name", metavar="NAME")
@click.argument("names", nargs=-1, metavar="[BOX]...")
@lineup_option
@verbose_option
def save(name: str, names: tuple[str, ...], lineup: str | None, verbose: bool) -> None:
    """Save the state of boxes (default: those of the lineup that are up): disk and memory, or the data of engines."""
    place = workplace(lineup)
    chosen = _chosen(place, names)
    _at_each(place, chosen, "snapshot save", lambda rewinder, spec: rewinder.save(spec, name), verbose)
    click.echo(f"saved {name}: {', '.join(spec.name for spec in chosen)}")


@snapshot.command("list", epilog="Example: python -m lab snapshot list --json")
@click.argument("names", nargs=-1, metavar="[BOX]...")
@lineup_option
@json_option
@verbose_option
def list_(names: tuple[str, ...], lineup: str | None, as_json: bool, verbose: bool) -> None:
    """List the snapshots of boxes (default: those of the lineup that are up)."""
    place = workplace(lineup)
    found: dict[str, list[str]] = {}
    chosen = _chosen(place, names)
    _at_each(
        place, chosen, "snapshot list", lambda rewinder, spec: found.update({spec.name: rewinder.names(spec)}), verbose
    )
    rows = [{"box": spec.name, "snapshots": found[spec.name]} for spec in chosen]
    if as_json:
        print_json({"schema": 1, "boxes": rows})
        return
    click.echo(columns([[spec.name, " ".join(found[spec.name]) or "none"] for spec in chosen], ["box", "snapshots"]))


@snapshot.command(epilog="Example: python -m lab snapshot restore before-lesson-3 debian12-selinux")
@click.argument("name", metavar="NAME")
@click.argument("names", nargs=-1, metavar="[BOX]...")
@lineup_option
@verbose_option
def restore(name: str, names: tuple[str, ...], lineup: str | None, verbose: bool) -> None:
    """Set boxes (default: those of the lineup that are up) back to a saved state; later snapshots stay."""
    place = workplace(lineup)
    chosen = _chosen(place, names)
    _at_each(place, chosen, "snapshot restore", lambda rewinder, spec: rewinder.restore(spec, name), verbose)
    click.echo(f"as in {name}: {', '.join(spec.name for spec in chosen)}")


@snapshot.command(epilog="Example: python -m lab snapshot remove before-lesson-3")
@click.argument("name", metavar="NAME")
@click.argument("names", nargs=-1, metavar="[BOX]...")
@lineup_option
@verbose_option
def remove(name: str, names: tuple[str, ...], lineup: str | None, verbose: bool) -> None:
    """Remove a snapshot of boxes (default: those of the lineup that are up); the boxes stay as they are."""
    place = workplace(lineup)
    chosen = _chosen(place, names)
    _at_each(place, chosen, "snapshot remove", lambda rewinder, spec: rewinder.remove(spec, name), verbose)
    click.echo(f"removed {name}: {', '.join(spec.name for spec in chosen)}")


def _chosen(place: Workplace, names: tuple[str, ...]) -> list[BoxSpec]:
    """The boxes of these names, else those of the lineup that lab has made; UsageError for one that is not up."""
    if names:
        return [one_box(place, name) for name in dict.fromkeys(names)]
    noted = Notes(place.project.state).boxes()
    found = [spec for spec in place.specs(()) if spec.name in noted or not kind_of(spec).is_made_by_lab]
    if not found:
        raise UsageError(
            f"cannot find a box: none of the lineup {place.lineup.name} is up",
            hint=f"python -m lab up --lineup {place.lineup.name}",
        )
    return found


def _at_each(place: Workplace, specs: list[BoxSpec], verb: str, work: Work, verbose: bool) -> dict[str, float]:
    """Do the work on these boxes side by side, and return the seconds that each took; raises the first error."""
    names = [spec.name for spec in specs]
    state = place.project.state
    with hold(state, names, verb), screen(verbose) as shown, guarded(place.project, shown.tell):
        rewinder = Fleet(place.project, place.catalog, shown.tell).rewinder

        def timed(name: str) -> float:
            start = time.monotonic()
            work(rewinder, next(spec for spec in specs if spec.name == name))
            return round(time.monotonic() - start, 1)

        try:
            seconds, errors = each(names, timed)
        finally:
            keep(state)
    raise_first(errors)
    return {name: seconds[name] for name in names}
