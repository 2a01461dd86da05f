"""Which trials a run makes, and in which order; pure, and known before the first trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256

from lab.model import CONTROL, TrialKey
from lab.results.run import Repetition


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


def planned(
    made: Sequence[tuple[str, str]],
    consumers: Mapping[str, Sequence[str]],
    scenario: str,
    variations: Sequence[str],
    repetition: Repetition,
    *,
    controls: bool,
    thorough: bool,
    consumer_engines: Sequence[str] = (),
    producer_engines: Sequence[str] = (),
) -> dict[str, list[TrialKey]]:
    """The trials of each consumer, as `trials` gives them, in the order and as often as a run makes them.

    With `controls`, those in which a producer rebuilds its own image are among them, and come first.
    """
    found = trials(
        made,
        consumers,
        scenario,
        variations,
        thorough=thorough,
        consumer_engines=consumer_engines,
        producer_engines=producer_engines,
    )
    return repeated(with_controls(found) if controls else found, repetition)


def with_controls(planned: Mapping[str, Sequence[TrialKey]]) -> dict[str, list[TrialKey]]:
    """The same trials, each consumer's after those in which a producer of any of them rebuilds its own image."""
    every = [key for keys in planned.values() for key in keys]
    found: dict[str, list[TrialKey]] = {}
    for key in every:
        own = TrialKey(*(key.producer, key.producer_engine) * 2, key.scenario, CONTROL)
        if own not in found.setdefault(key.producer, []):
            found[key.producer].append(own)
    for name, keys in planned.items():
        found.setdefault(name, []).extend(key for key in keys if key not in found[name])
    return found


def repeated(planned: Mapping[str, Sequence[TrialKey]], repetition: Repetition) -> dict[str, list[TrialKey]]:
    """The trials of each consumer as often as a run makes them, in the order of its seed.

    The place of a trial depends on the seed and on its own name alone, so that it is the same in a run that is resumed.
    """
    found = {}
    for name, keys in planned.items():
        every = [replace(key, repeat=number) for number in range(1, repetition.times + 1) for key in keys]
        found[name] = every if repetition.seed is None else sorted(every, key=partial(_place, repetition.seed))
    return found


def _place(seed: int, key: TrialKey) -> bytes:
    return sha256(f"{seed} {key}".encode("utf-8", "surrogatepass")).digest()


def is_control(key: TrialKey) -> bool:
    """True for a trial in which a producer rebuilds its own image without a change."""
    return (key.producer, key.producer_engine, key.variation) == (key.consumer, key.engine, CONTROL)


def _sources(made: Sequence[tuple[str, str]], engines: Sequence[str], *, every: bool) -> list[tuple[str, str]]:
    """The images that these engines made: every one, or the first alone."""
    found = [source for source in made if source[1] in engines]
    return found if every else found[:1]
