"""How a trial's prediction compares with what the engine did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import chain, repeat

from lab.buildkit.cachekeys.solver import DOUBT
from lab.counting import counted
from lab.model import Outcome
from lab.results.run import Trial

COMPARABLE = (Outcome.HIT, Outcome.WRONG_HIT, Outcome.RAN)  # the outcomes that show whether a cache key was found


class Prediction(StrEnum):
    """The result for a trial: `ok` if every step matched its prediction, `partly` if some could not be predicted."""

    OK = "ok"
    PARTLY = "partly"
    CONTRADICTED = "contradicted"
    UNKNOWN = "unknown"


def prediction(trial: Trial) -> Prediction:
    """`contradicted` if one step differs; a step without a prediction or without a result never counts as ok.

    `unknown` for an engine that could not read the cache: the prediction assumes that it can.
    """
    steps = trial.build.steps if trial.build else ()
    if trial.build and trial.build.failed_imports:
        return Prediction.UNKNOWN
    predictions = chain(trial.predicted or (), repeat(Outcome.UNKNOWN))
    pairs = [(said, step.outcome) for said, step in zip(predictions, steps, strict=False)]
    if pairs and all(said is seen and said in COMPARABLE for said, seen in pairs):
        return Prediction.OK
    if any(contradicts(said, seen) for said, seen in pairs):
        return Prediction.CONTRADICTED
    right = [said.cached is seen.cached and said in COMPARABLE and seen in COMPARABLE for said, seen in pairs]
    return Prediction.OK if right and all(right) else Prediction.PARTLY if any(right) else Prediction.UNKNOWN


def contradictions(trial: Trial) -> list[str]:
    """A line for each step that did not do what was predicted; none if the prediction is not contradicted."""
    if prediction(trial) is not Prediction.CONTRADICTED or trial.build is None:
        return []
    pairs = zip(trial.build.steps, trial.predicted or (), strict=False)
    return [
        f"{step.instruction} {step.outcome.value}, {said.value} was predicted"
        for step, said in pairs
        if contradicts(said, step.outcome)
    ]


def unpredicted(trials: Iterable[Trial]) -> list[str]:
    """A line for each reason why steps of these trials have no prediction, with the steps.

    A step that is not known because another one is not has no reason of its own.
    """
    found: dict[str, dict[str, None]] = {}
    for trial in trials:
        steps = trial.build.steps if trial.build else ()
        for step, reason in zip(steps, trial.unpredicted, strict=False):
            if reason and not reason.startswith(DOUBT):
                found.setdefault(reason, {}).setdefault(step.instruction)
    return [f"not predicted: {_listed([*steps])}: {reason}" for reason, steps in found.items()]


def _listed(steps: Sequence[str]) -> str:
    more = len(steps) - 1
    return steps[0] + (f" and {counted(more, 'more step')}" if more else "")


def contradicts(predicted: Outcome, seen: Outcome) -> bool:
    """True if a step ran whose hit was predicted, or the reverse; an unknown outcome contradicts nothing."""
    return predicted in COMPARABLE and seen in COMPARABLE and predicted.cached is not seen.cached
