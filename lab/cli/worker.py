"""The verb that offers the boxes of this machine to the scheduler of distributed runs: `lab worker`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from lab.cli.options import (
    builder_option,
    builders_named,
    engine_option,
    engines_named,
    lineup_option,
    provider_option,
    verbose_option,
    workplace,
)
from lab.cli.terminal import remark
from lab.cli.waiting import waiting_for
from lab.counting import counted
from lab.errors import Interrupted

if TYPE_CHECKING:
    from lab.boxes.specs import BoxSpec
    from lab.machines.ready import Ready


@click.command(epilog="Example: python -m lab worker --scheduler tcp://10.0.0.1:8786 --lineup debian")
@click.option(
    "--scheduler", required=True, metavar="ADDRESS", help="The Dask scheduler: tcp://HOST:PORT or tls://HOST:PORT."
)
@lineup_option
@click.option("--box", "boxes", multiple=True, metavar="BOX", help="Only this box of the lineup (several allowed).")
@engine_option("engines")
@builder_option
@provider_option
@click.option(
    "--allow-prune",
    is_flag=True,
    help="Let runs remove all images and build cache of a Docker that lab did not install.",
)
@verbose_option
def worker(
    scheduler: str,
    lineup: str | None,
    boxes: tuple[str, ...],
    engines: tuple[str, ...],
    builders: tuple[str, ...],
    provider: str,
    allow_prune: bool,
    verbose: bool,
) -> None:
    """Bring the lineup's boxes up, and offer them with their engines and builders to a Dask scheduler.

    `python -m lab repro --scheduler ADDRESS` then makes its trials here. Runs until Ctrl-C, or until the scheduler
    ends. Whoever reaches the scheduler can run programs as the user who called this: see docs/security.md.
    """
    from lab.cli.conduct import boxes_for, conducting
    from lab.run.distributed.cluster import check_reachable, check_remote_address

    check_remote_address(scheduler)
    from lab.run.distributed.serving import serve
    from lab.run.wish import Wish

    place = workplace(lineup)
    place.announce()
    asked, ways = engines_named(place, engines), builders_named(builders)
    specs = boxes_for(place, boxes, boxes, asked, (), allow_prune=allow_prune, builders=ways)
    wish = Wish(place.lineup.name, place.project.scenarios, builders=ways)
    with waiting_for(f"connecting to the scheduler {scheduler}"):
        check_reachable(scheduler)
    with conducting(place, specs, provider, "worker", verbose=verbose) as conductor:
        ready = conductor.bring_up(wish, asked, early=False)
        try:
            serve(
                scheduler,
                ready,
                place.project,
                conductor.screen.tell,
                lambda address: _announce(scheduler, address, ready),
            )
        except KeyboardInterrupt as stop:
            raise Interrupted.by(stop, hint=_what_stays(specs)) from stop


def _what_stays(specs: Sequence[BoxSpec]) -> str:
    """What a worker that was stopped leaves: boxes stay up, and its own engines on this machine do not."""
    if all(spec.kind == "local" for spec in specs):
        return "the engines that this worker started on this machine are removed"
    return "the boxes stay up; `python -m lab status` shows them"


def _announce(scheduler: str, address: str, ready: list[Ready]) -> None:
    names = ", ".join(f"{item.box.name} ({', '.join(item.engine_names)})" for item in ready)
    remark(f"the worker {address} offers {counted(len(ready), 'box', 'boxes')} to {scheduler}: {names}")
