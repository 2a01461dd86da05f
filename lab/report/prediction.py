"""What was predicted of a trial, held against what was seen."""

from __future__ import annotations

from enum import StrEnum
from itertools import chain, repeat

from lab.model import Outcome
from lab.results.run import Trial

SAYS = (Outcome.HIT, Outcome.RAN)  # the outcomes that say something of a cache key


class Prediction(StrEnum):
    """How a trial's prediction stands: `ok` only if every step was foretold and came so; `partly` if some were."""

    OK = "ok"
    PARTLY = "partly"
    CONTRADICTED = "contradicted"
    UNKNOWN = "unknown"


def prediction(trial: Trial) -> Prediction:
    """`contradicted` if one step differs; what was not foretold of a step, or not seen of it, is never counted as ok.

    An engine that could not read the cache had not what the prediction was made of, so that says nothing of it.
    """
    steps = trial.build.steps if trial.build else ()
    if trial.build and any(source.ok is False for source in trial.build.imports):
        return Prediction.UNKNOWN
    guesses = chain(trial.predicted or (), repeat(Outcome.UNKNOWN))
    pairs = [(guess, step.outcome) for guess, step in zip(guesses, steps, strict=False)]
    if any(contradicts(guess, seen) for guess, seen in pairs):
        return Prediction.CONTRADICTED
    right = [guess is seen and guess in SAYS for guess, seen in pairs]
    return Prediction.OK if right and all(right) else Prediction.PARTLY if any(right) else Prediction.UNKNOWN


def contradictions(trial: Trial) -> list[str]:
    """What an engine did otherwise than was predicted, a line a step; none if the prediction is not contradicted."""
    if prediction(trial) is not Prediction.CONTRADICTED or trial.build is None:
        return []
    pairs = zip(trial.build.steps, trial.predicted or (), strict=False)
    return [
        f"{step.instruction} {step.outcome.value}, {guess.value} was predicted"
        for step, guess in pairs
        if contradicts(guess, step.outcome)
    ]


def contradicts(guess: Outcome, seen: Outcome) -> bool:
    """True if a hit was predicted of a step that ran, or the reverse; what is not known contradicts nothing."""
    return guess in SAYS and seen in SAYS and guess is not seen
