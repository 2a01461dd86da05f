"""How often a step hit over time, by day, engine, box and builder, from the counts of all stored trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import Any

from lab.model import Outcome
from lab.results.index import Counted
from lab.results.rates import wilson
from lab.results.summary import BROKEN, COUNTED
from lab.versions import natural


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which counts are asked for: texts or globs of a step, an engine, a box, a scenario; runs from a day on (UTC)."""

    step: str
    engine: str | None = None
    box: str | None = None
    scenario: str | None = None
    variation: str | None = None
    since: datetime | None = None

    def takes(self, item: Counted) -> bool:
        """True if the count is one of those."""
        if self.since is not None and item.started < self.since:
            return False
        found = item.steps
        pairs = (
            (self.engine, found.engine),
            (self.box, found.box),
            (self.scenario, item.scenario),
            (self.variation, found.variation),
        )
        return _is(self.step, found.step) and all(wish is None or _is(wish, text) for wish, text in pairs)


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a step hit on one day (UTC) with one engine, box and builder.

    `hits` of `known` trials hit; `low` and `high` are the ends of the 95 % interval of the rate by Wilson's method.
    `unknown` counts trials in which the outcome of the step is not known, and `broken` broken trials: neither is a hit
    or a miss. `outcomes` counts what `known` contains.
    """

    step: str
    engine: str
    box: str
    builder: str
    day: date
    runs: int
    hits: int
    known: int
    low: float
    high: float
    unknown: int
    broken: int
    outcomes: dict[str, int]

    @property
    def rate(self) -> float | None:
        """The share of hits; None where nothing is known."""
        return self.hits / self.known if self.known else None

    @property
    def series(self) -> tuple[str, str, str, str]:
        """What stays the same over time."""
        return self.step, self.engine, self.box, self.builder

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "day": self.day.isoformat(), "rate": None if self.rate is None else round(self.rate, 4)}


def history(counts: Iterable[Counted], wanted: Wanted) -> list[Rate]:
    """The rates of what is asked for, by step, engine (as versions), box and builder, then by day."""
    groups: dict[tuple[tuple[str, str, str, str], date], list[Counted]] = {}
    for item in filter(wanted.takes, counts):
        found = item.steps
        series = (found.step, found.engine, found.box, found.builder)
        groups.setdefault((series, item.started.astimezone(UTC).date()), []).append(item)
    rates = [_rate(series, day, group) for (series, day), group in groups.items()]
    return sorted(rates, key=lambda rate: (rate.step, natural(rate.engine), rate.box, rate.builder, rate.day))


def _rate(series: tuple[str, str, str, str], day: date, group: list[Counted]) -> Rate:
    words: Counter[str] = Counter()
    for item in group:
        words[item.steps.outcome] += item.steps.count
    outcomes = {outcome.value: words[outcome.value] for outcome in COUNTED if words[outcome.value]}
    known = sum(outcomes.values())
    hits = sum(count for word, count in outcomes.items() if Outcome(word).cached)
    low, high = wilson(hits, known)
    runs = len({item.run for item in group})
    unknown, broken = words[Outcome.UNKNOWN.value], words[BROKEN]
    return Rate(*series, day, runs, hits, known, round(low, 4), round(high, 4), unknown, broken, outcomes)


def _is(pattern: str, text: str) -> bool:
    """True if the pattern is the text, or matches it as a shell's glob; blanks count once."""
    pattern = " ".join(pattern.split())
    return pattern == text or fnmatchcase(text, pattern)
