"""Times and hit rates of many trials together, for the page of a run with thousands of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lab.model import Outcome, Verdict
from lab.report import timing
from lab.report.evidence import Evidence
from lab.report.repeats import rate_of
from lab.results.rates import wilson
from lab.results.run import Run
from lab.results.summary import COUNTED


@dataclass(frozen=True, slots=True)
class MeanTimes:
    """The mean seconds of the trials of one variation with one engine; `cells` as `timing.row_of` has them."""

    variation: str
    engine: str
    trials: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepTotal:
    """One step of all trials of one variation, over all boxes, engines and repeats; `unknown` counts what is neither.

    `hits` and `rate` are in words, as in "5 of 8" and "0.62 (0.31 to 0.86)".
    """

    variation: str
    instruction: str
    hits: str
    rate: str
    unknown: int


def mean_times(evidence: Evidence) -> list[MeanTimes]:
    """The mean times by variation and engine, the group that took longest first; then those of all trials.

    Trials whose time or commands are not recorded do not count; the list is empty where no trial has both.
    """
    groups: dict[tuple[str, str], list[timing.Timing]] = {}
    trials = {trial.name: trial for trial in evidence.run.trials}
    for found in timing.timings(evidence):
        if found.parts:
            trial = trials[found.trial]
            groups.setdefault((trial.variation, trial.engine), []).append(found)
    if not groups:
        return []
    ordered = sorted(groups.items(), key=lambda item: -sum(one.wall or 0.0 for one in item[1]))
    everything = [one for group in groups.values() for one in group]
    return [_mean(*key, group) for key, group in [*ordered, (("all variations", "all engines"), everything)]]


def _mean(variation: str, engine: str, group: Sequence[timing.Timing]) -> MeanTimes:
    whole, count = timing.total(group), len(group)
    parts = {name: seconds / count for name, seconds in whole.parts.items()}
    mean = timing.Timing(whole.trial, (whole.wall or 0.0) / count, round(whole.commands / count), parts)
    return MeanTimes(variation, engine, count, timing.row_of(mean)[1:])


def step_totals(run: Run) -> list[StepTotal]:
    """How often each step hit, by variation in the order of the run; the outcomes of broken trials are not known."""
    counts: dict[str, list[Counter[Outcome]]] = {}
    for trial in run.trials:
        mine = counts.setdefault(trial.variation, [Counter() for _ in run.instructions])
        steps = trial.build.steps if trial.build and trial.verdict is not Verdict.BROKEN else ()
        for number, count in enumerate(mine):
            outcome = steps[number].outcome if number < len(steps) else Outcome.UNKNOWN
            count[outcome if outcome in COUNTED else Outcome.UNKNOWN] += 1
    return [
        _step_total(variation, instruction, count)
        for variation, mine in counts.items()
        for instruction, count in zip(run.instructions, mine, strict=True)
    ]


def _step_total(variation: str, instruction: str, outcomes: Counter[Outcome]) -> StepTotal:
    unknown = outcomes[Outcome.UNKNOWN]
    hits, known = sum(count for outcome, count in outcomes.items() if outcome.cached), outcomes.total() - unknown
    return StepTotal(variation, instruction, f"{hits} of {known}", rate_of(hits, known, *wilson(hits, known)), unknown)
