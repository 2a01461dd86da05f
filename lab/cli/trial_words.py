"""The options that choose the trials of a run, as one group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from lab.cli.options import (
    builder_option,
    builders_named,
    cache_option,
    caches_named,
    engine_option,
    engines_named,
    grouped,
    lineup_option,
    provider_option,
)

if TYPE_CHECKING:
    from lab.cli.options import Workplace
    from lab.run.wish import Wish


@dataclass(frozen=True, slots=True)
class TrialWords:
    """What the command line states of the boxes, engines and variations of a run, word for word."""

    lineup: str | None
    consumer_engines: tuple[str, ...]
    producer_engines: tuple[str, ...]
    provider: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    variations: tuple[str, ...]
    builders: tuple[str, ...]
    caches: tuple[str, ...]

    def wish(self, place: Workplace) -> Wish:
        """The wish for these trials, without a scenario; UsageError for a name that is not known."""
        from pathlib import Path

        from lab.run.wish import Wish

        return Wish(
            place.lineup.name,
            Path(),
            self.producers,
            self.consumers,
            self.variations,
            engines_named(place, self.consumer_engines),
            engines_named(place, self.producer_engines),
            builders=builders_named(self.builders),
            caches=caches_named(self.caches),
        )


OPTIONS = (
    lineup_option,
    engine_option("consumer_engines"),
    click.option(
        "--producer-engine",
        "producer_engines",
        multiple=True,
        metavar="ENGINE",
        help="The engine that producers build with.",
    ),
    provider_option,
    click.option("--producer", "producers", multiple=True, metavar="BOX", help="Only this producer (several allowed)."),
    click.option("--consumer", "consumers", multiple=True, metavar="BOX", help="Only this consumer (several allowed)."),
    click.option(
        "--variation",
        "variations",
        multiple=True,
        metavar="VARIATION",
        help="Only this variation, `none` for no change, `all` for every one (several allowed); default: `none`, and "
        "on each box's first engine and builder also those that the scenario marks as default.",
    ),
    builder_option,
    cache_option,
)


def trial_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options that choose trials; it receives them as one TrialWords, its argument `trials`."""
    return grouped(function, TrialWords, "trials", OPTIONS)
