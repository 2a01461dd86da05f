"""Find the engine with which a behavior changes, by bisection; every answer comes from a real trial."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lab.engines.kinds.table import kind_of
from lab.engines.spec import EngineSpec
from lab.errors import Interrupted, LabError, UsageError
from lab.model import Outcome


@dataclass(frozen=True, slots=True)
class Attempt:
    """One engine that was tried: the outcome of the step, or why there is none."""

    engine: str
    outcome: Outcome | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a bisection found, from bad to good: `before` is the last engine that behaves like the bad one, as tried.

    `after` is the first one that behaves like the good one. `gap` are the engines between these two, in their order,
    of which no outcome is known; with a gap, the change may have come with any of them or with `after`.
    """

    before: str
    after: str
    attempts: tuple[Attempt, ...] = ()
    gap: tuple[Attempt, ...] = ()

    @property
    def first(self) -> str | None:
        """The first engine that behaves like the good one; None if a gap leaves several."""
        return None if self.gap else self.after


Probe = Callable[[str], Outcome]  # the outcome of the step on that engine; LabError if it cannot be tried


def path(known: Mapping[str, EngineSpec], bad: str, good: str) -> list[str]:
    """The engines from bad to good in the order of versions, both included; either may be the newer one.

    A changed release, such as a reverted engine or a build of the user's own, comes right before the release, and only
    if it is an end itself.
    """
    if bad == good:
        raise UsageError("cannot bisect: --good and --bad are the same engine")
    ends = (bad, good)
    ordered = sorted(
        (spec for spec in known.values() if spec.version and (_is_release(spec) or spec.name in ends)),
        key=lambda spec: (_numbers(spec.version or ""), _is_release(spec), spec.name),
    )
    names = [spec.name for spec in ordered]
    for end in ends:
        if end not in names:
            raise UsageError(f"cannot bisect from {end}: it has no version", hint=f"engines: {', '.join(names)}")
    low, high = sorted((names.index(bad), names.index(good)))
    between = names[low : high + 1]
    return between if between[0] == bad else between[::-1]


def planned(engines: Sequence[str]) -> list[str]:
    """The engines that are tried if each behaves like the bad one, the ends first; for a dry run."""
    low, high, order = 0, len(engines) - 1, [engines[0], engines[-1]]
    while high - low > 1:
        low = (low + high) // 2
        order.append(engines[low])
    return order


def bisect(engines: Sequence[str], probe: Probe, tell: Callable[[Attempt], None]) -> Finding:
    """Try both ends, then bisect; `engines` goes from bad to good.

    Raises UsageError if the ends behave alike, and the probe's own LabError for an end that cannot be tried. An engine
    between them that cannot be tried, or whose outcome cannot be read, is skipped, and its neighbors are tried instead.
    """
    attempts: list[Attempt] = []

    def ask(engine: str, *, end: bool = False) -> Outcome | None:
        try:
            outcome = probe(engine)
        except LabError as error:
            if end or isinstance(error, Interrupted):
                raise
            attempt = Attempt(engine, None, error.message)
        else:
            readable = outcome in (Outcome.HIT, Outcome.RAN)
            attempt = Attempt(engine, outcome if readable else None, None if readable else f"outcome {outcome.value}")
        attempts.append(attempt)
        tell(attempt)
        return attempt.outcome

    bad, good = ask(engines[0], end=True), ask(engines[-1], end=True)
    if bad is None or good is None or bad is good:
        words = f"{engines[0]} {_word(bad)}, {engines[-1]} {_word(good)}"
        raise UsageError(
            f"cannot bisect: the ends do not differ ({words})",
            hint="try another --step, --variation, --producer or --consumer",
        )
    left = list(engines)
    while len(left) > 2:
        middle = left[(len(left) - 1) // 2] if len(left) > 3 else left[1]
        outcome = ask(middle)
        place = left.index(middle)
        if outcome is None:
            left.remove(middle)
        elif outcome is good:
            left = left[: place + 1]
        else:
            left = left[place:]
    inside = engines[engines.index(left[0]) + 1 : engines.index(left[1])]
    gap = [item for engine in inside for item in attempts if item.engine == engine]
    return Finding(left[0], left[1], tuple(attempts), tuple(gap))


def _is_release(spec: EngineSpec) -> bool:
    """True for an engine that is named after its version alone, as Docker's releases are."""
    return kind_of(spec).is_release and spec.name == spec.version


def _word(outcome: Outcome | None) -> str:
    return outcome.value if outcome else "unknown"


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"[0-9]{1,9}", version.partition("-")[0])]
