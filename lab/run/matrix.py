"""Which trials a run makes, and in which order; pure, and known before the first trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.model import CONTROL, TrialKey


def trials(
    made: Sequence[tuple[str, str]],
    consumers: Mapping[str, Sequence[str]],
    scenario: str,
    variations: Sequence[str],
    *,
    thorough: bool,
    consumer_engines: Sequence[str] = (),
    producer_engines: Sequence[str] = (),
) -> dict[str, list[TrialKey]]:
    """The trials of each consumer: its engines, then the variations, then the producers.

    `made` lists the images that will exist, as producer and engine, in order; `consumers` lists the engines of each.
    Without `producer_engines`, an engine rebuilds what the same engine built. Unless `thorough`, variations are tried
    only on a consumer's first engine and against the first image.
    """
    found: dict[str, list[TrialKey]] = {}
    for name, engines in consumers.items():
        used = [engine for engine in engines if not consumer_engines or engine in consumer_engines]
        found[name] = [
            TrialKey(*source, name, engine, scenario, variation)
            for engine in used
            for variation in (variations if thorough or engine == used[0] else [CONTROL])
            for source in _sources(made, producer_engines or (engine,), every=thorough or variation == CONTROL)
        ]
    return found


def _sources(made: Sequence[tuple[str, str]], engines: Sequence[str], *, every: bool) -> list[tuple[str, str]]:
    """The images that these engines made: every one, or the first alone."""
    found = [source for source in made if source[1] in engines]
    return found if every else found[:1]
