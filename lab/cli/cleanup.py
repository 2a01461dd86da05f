"""The verb that removes, and the clean-up after a lab process that was killed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from lab.boxes import beside
from lab.boxes.base import Tell
from lab.boxes.local import LocalBox
from lab.boxes.notes import Notes
from lab.boxes.process import start_of, when_killed
from lab.cli.options import verbose_option
from lab.cli.screen import screen
from lab.cli.terminal import say
from lab.engines.pins import PINS
from lab.errors import BoxError, Interrupted, LabError, UsageError
from lab.files import hold
from lab.machines import kept
from lab.machines.catalog import Catalog
from lab.machines.kinds.handler import Site
from lab.machines.leftovers import await_watchers, sweep
from lab.machines.removal import Removal
from lab.project import Project, find
from lab.workers import wait_for


@contextmanager
def guarded(project: Project, tell: Tell) -> Iterator[None]:
    """Remove what killed runs left; if this one is killed within the context, what it left is removed at once."""
    await_watchers(project.state, tell)
    sweep(project, LocalBox("this machine"), tell)
    words = [sys.executable, "-m", "lab", "down", "--leftovers", "--after", str(os.getpid())]
    with when_killed(words, beside.mark(project.state, beside.WATCHES)):
        yield


@click.command(epilog="Example: python -m lab down")
@click.argument("names", nargs=-1, metavar="[BOX]...")
@click.option("--lineup", metavar="LINEUP", help="Only the boxes of this lineup; without it, all of this checkout.")
@click.option("--orphans", is_flag=True, help="Remove the machines of checkouts that are gone, not this one's.")
@click.option(
    "--images", is_flag=True, help="Also remove the base images of published boxes from libvirt's storage pool."
)
@click.option(
    "--leftovers",
    is_flag=True,
    help="Remove only what killed runs left on this machine and `repro --keep` on boxes; boxes stay.",
)
@click.option("--after", type=int, hidden=True, help="Wait until the process of this id has ended.")
@verbose_option
def down(
    names: tuple[str, ...],
    lineup: str | None,
    orphans: bool,
    images: bool,
    leftovers: bool,
    after: int | None,
    verbose: bool,
) -> None:
    """Remove boxes with their disks, snapshots, networks and notes; without names, all that this checkout made.

    Programs and engines that a killed run left on this machine are removed in any case. The base image of a published
    box, such as generic/ubuntu1804, stays in libvirt's storage pool, so that the next `up` is quicker and because other
    checkouts may use it: --images removes those on which no disk is based.
    """
    project = find()
    catalog = Catalog(project.boxes, project.cache / PINS)
    if orphans and (names or lineup):
        raise UsageError("cannot use --orphans with a box or a lineup: it is about checkouts that are gone")
    if leftovers and (names or lineup):
        raise UsageError("cannot use --leftovers with a box or a lineup: it removes no box")
    if images and (orphans or leftovers):
        raise UsageError(f"cannot use --images with {'--orphans' if orphans else '--leftovers'}: name one of them")
    if after is not None:
        _wait_for_end(after)
    with screen(verbose) as shown:
        if after is None:  # a clean-up waits for no other one: `sweep` lets one at a time work
            await_watchers(project.state, shown.tell)
        swept = sweep(project, LocalBox("this machine"), shown.tell)
        if leftovers:
            swept += kept.remove(project, catalog, shown.tell, kept.Why.USED)
        if leftovers and after is None:  # what the user keeps stays where this verb only cleans up after a killed run
            swept += kept.remove(project, catalog, shown.tell)
    if leftovers:
        click.echo(f"removed: {', '.join(swept)}" if swept else "no run left anything")
        return
    if orphans:
        with hold(project.state, ["orphans"], "down --orphans"), screen(verbose) as shown:
            removed = Removal(Site.of(project, catalog, shown.tell)).remove_orphans()
        click.echo(f"removed: {', '.join(removed)}" if removed else "no machine without a checkout")
        return
    chosen = _chosen(project, catalog, names, lineup)
    with hold(project.state, chosen, "down"), screen(verbose) as shown:
        removal = Removal(Site.of(project, catalog, shown.tell))
        try:
            removed = removal.remove(chosen, images=images)
        except (Interrupted, BoxError) as error:
            error.hint = "run `python -m lab down` again"
            raise
        removed += kept.remove(project, catalog, shown.tell, kept.Why.USED)
    removed = [*swept, *removed]
    click.echo(f"removed: {', '.join(removed)}" if removed else "nothing to remove")
    if removal.images:
        titles = ", ".join(image.title for image in removal.images)
        say(f"libvirt's storage pool still has {titles}; `python -m lab down --images` removes base images too")


def _chosen(project: Project, catalog: Catalog, names: tuple[str, ...], lineup: str | None) -> list[str]:
    """The boxes of these names, else those of the lineup, else all that are known or noted."""
    if names:
        noted = Notes(project.state).boxes()  # also those of boxes whose file is gone
        return [name if name in noted else catalog.box(name).name for name in names]
    if lineup and lineup != "auto":
        return list(catalog.lineup(lineup).boxes)
    return sorted({*catalog.boxes, *Notes(project.state).boxes()})


def _wait_for_end(pid: int) -> None:
    """Wait until a process has ended that is just dying; the kernel closes its files a moment earlier."""
    with suppress(LabError):
        wait_for(f"process {pid} to end", lambda: "it runs" if start_of(pid) else True, timeout=30, every=0.05)
