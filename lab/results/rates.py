"""How often each step of a repeated trial hit, with the interval in which the true rate lies, and the flaky steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import sqrt
from statistics import NormalDist

from lab.model import TrialKey, Verdict, ordering
from lab.results.facts import StepRate
from lab.results.run import Run, Trial
from lab.results.summary import COUNTED

CONFIDENCE = 0.95
METHOD = "95 % intervals by Wilson's method"


def rates_of(run: Run) -> tuple[StepRate, ...]:
    """The hit rates of every step of every trial of a run, which has repeated them; none for another run."""
    if run.repetition.times < 2:
        return ()
    groups: dict[TrialKey, list[Trial]] = {}
    place = ordering(trial.key for trial in run.trials)
    for trial in sorted(run.trials, key=lambda trial: place(trial.key)):
        groups.setdefault(trial.key.first, []).append(trial)
    return tuple(rate for key, repeats in groups.items() for rate in _rates(str(key), repeats, run.instructions))


def _rates(name: str, repeats: Sequence[Trial], instructions: Sequence[str]) -> Iterable[StepRate]:
    builds = [trial.build for trial in repeats if trial.build and trial.verdict is not Verdict.BROKEN]
    for number, instruction in enumerate(instructions):
        seen = (build.steps[number].outcome for build in builds if number < len(build.steps))
        outcomes = Counter(outcome for outcome in seen if outcome in COUNTED)
        hits, known = sum(count for outcome, count in outcomes.items() if outcome.cached), outcomes.total()
        low, high = wilson(hits, known)
        yield StepRate(
            trial=name,
            step=number + 2,
            instruction=instruction,
            hits=hits,
            known=known,
            repeats=len(repeats),
            low=round(low, 4),
            high=round(high, 4),
            outcomes=dict(sorted(outcomes.items())),
        )


def wilson(hits: int, tries: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The ends of Wilson's score interval for a rate of which so many hits were seen; 0 and 1 without a try.

    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927). Unlike the
    interval of the normal approximation, it has a width where all tries or none hit.
    """
    if tries == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, square = hits / tries, z * z
    middle = rate + square / (2 * tries)
    half = z * sqrt(rate * (1 - rate) / tries + square / (4 * tries * tries))
    whole = 1 + square / tries
    low = 0.0 if hits == 0 else (middle - half) / whole
    return low, 1.0 if hits == tries else (middle + half) / whole
