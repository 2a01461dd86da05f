"""What each step of a build costs in seconds: from logs of earlier builds, stored runs, or the cache's own times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.cachekeys.step import Step
from lab.buildkit.progress.build import Build
from lab.explain.places import Place
from lab.model import Outcome
from lab.results.run import Run

CACHE = "cache"
LONGEST = 4 * 3600.0  # seconds; two results with more between them were not made by one build
CUT = "..."  # how old clients and narrow terminals end an instruction that they cut


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds that a step took, and where that is known from: the name of a log or a run, or `cache`.

    The time of a cache is the time between two results, so the step itself took that long at most.
    """

    seconds: float
    source: str

    @property
    def at_most(self) -> bool:
        """True where the seconds are an upper bound."""
        return self.source == CACHE


@dataclass(frozen=True, slots=True)
class Took:
    """A step of an earlier build that ran: its stage and number as printed, its instruction, and its seconds."""

    stage: str | None
    number: str
    instruction: str
    seconds: float
    source: str


def of_builds(builds: Iterable[Build], source: str) -> list[Took]:
    """The steps of a log that ran and have a time."""
    return [
        Took(step.stage, step.place, step.instruction, step.seconds, source)
        for build in builds
        for step in build.steps
        if step.outcome is Outcome.RAN and step.seconds is not None
    ]


def of_run(run: Run) -> list[Took]:
    """The steps of a stored run, of its productions and its trials, that ran and have a time."""
    builds = [*(item.build for item in run.productions), *(item.build for item in run.trials)]
    return [
        Took(None, "", step.instruction, step.seconds, run.name)
        for build in builds
        for step in (build.steps if build else ())
        if step.outcome is Outcome.RAN and step.seconds is not None
    ]


def costs(
    steps: Sequence[Step], places: Sequence[Place], earlier: Sequence[Took], caches: Sequence[Cache]
) -> list[Cost | None]:
    """The cost of each step: of the last of the earlier builds that has it, else of the caches, else None."""
    return [
        _earlier(step.text, place, earlier) or _cached(step, caches) for step, place in zip(steps, places, strict=True)
    ]


def _earlier(text: str, place: Place, earlier: Sequence[Took]) -> Cost | None:
    same = [item for item in earlier if _is_same(item.instruction, text)]
    number = f"{place.index}/{place.total}"
    here = [item for item in same if item.number == number and place.stage in (item.stage or "").split()] or [
        item for item in same if item.number == number
    ]
    found = (here or same)[-1:]
    return Cost(found[0].seconds, found[0].source) if found else None


def _is_same(printed: str, text: str) -> bool:
    if printed.endswith(CUT) and len(printed) > len(CUT):
        return text.startswith(printed.removesuffix(CUT))
    return printed == text


def _cached(step: Step, caches: Sequence[Cache]) -> Cost | None:
    """The shortest time between a result of the step in a cache and the newest result on which that one depends."""
    found = [
        seconds
        for cache in caches
        for number in (cache.numbers(step.record) if step.record else ())
        if (seconds := _between(cache, number)) is not None
    ]
    return Cost(min(found), CACHE) if found else None


def _between(cache: Cache, number: int) -> float | None:
    record = cache.records[number]
    if record.created is None:
        return None
    before = [made for links in record.inputs for link in links if (made := _created(cache, link.number)) is not None]
    if not before:
        return None
    seconds = (record.created - max(before)).total_seconds()
    return seconds if 0 <= seconds <= LONGEST else None


def _created(cache: Cache, number: int) -> datetime | None:
    """When the result of a record was made, or the newest result on which it depends if it has none itself."""
    seen: set[int] = set()
    waiting, found = [number], []
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        record = cache.records[place]
        if record.created is not None:
            found.append(record.created)
        else:
            waiting += [link.number for links in record.inputs for link in links]
    return max(found, default=None)
