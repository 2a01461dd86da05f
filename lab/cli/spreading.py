"""The options with which `repro` spreads its cells over the workers of a Dask scheduler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli.options import Number, grouped
from lab.errors import UsageError

if TYPE_CHECKING:
    from lab.boxes.specs import BoxSpec
    from lab.cli.conduct import Conductor
    from lab.results.run import Run
    from lab.run.wish import Wish

DEADLINE = 900  # seconds
LOCAL = "local"


@dataclass(frozen=True, slots=True)
class SpreadWords:
    """What the command line states of the scheduler of a run, word for word."""

    scheduler: str | None
    cell_deadline: float
    registry_address: str | None

    def checked(self) -> SpreadWords | None:
        """These words, None without a scheduler; UsageError for an address that is none, HostError without Dask."""
        if self.scheduler is None:
            if self.registry_address is not None:
                raise UsageError("cannot use --registry-address without --scheduler: it is the address for workers")
            return None
        from lab.run.distributed.cluster import check_address

        check_address(self.scheduler)
        return self

    @property
    def is_remote(self) -> bool:
        """True if the workers are other processes, which own the boxes."""
        return self.scheduler not in (None, LOCAL)


OPTIONS = (
    click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="Let the workers of a Dask scheduler make the trials: tcp://HOST:PORT, tls://HOST:PORT, or `local`.",
    ),
    click.option(
        "--cell-deadline",
        type=Number(1),
        default=DEADLINE,
        show_default=True,
        metavar="SECONDS",
        help="With --scheduler: the longest time of a trial, and the longest wait for a worker that has its box.",
    ),
    click.option(
        "--registry-address",
        metavar="HOST[:PORT]",
        help="With --scheduler: the address of this machine at which workers reach the registry of the run.",
    ),
)


def spread_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give `repro` the options of a scheduler; it receives them as one SpreadWords, `spread`."""
    return grouped(function, SpreadWords, "spread", OPTIONS)


def made_by_workers(conductor: Conductor, words: SpreadWords, wish: Wish, specs: Sequence[BoxSpec]) -> tuple[Path, Run]:
    """Make the trials of the wish on workers: of this process for a local scheduler, else on those that offer them."""
    from lab.cli.sharding import engines_of
    from lab.run.distributed.experiment import Spread, check_wish, perform
    from lab.run.planning import not_up

    spread = Spread(words.scheduler or LOCAL, words.cell_deadline, words.registry_address)
    check_wish(wish, spread)
    make = partial(perform, spread)
    if not words.is_remote:
        return conductor.run(wish, wish.consumer_engines, wish.producer_engines, make, early=False)
    engines = engines_of(wish, conductor.place)
    return conductor.make(wish, [not_up(spec, engines(spec)) for spec in specs], make)
