"""What was predicted of a trial, held against what was seen."""

from __future__ import annotations

from enum import StrEnum

from lab.model import Outcome
from lab.results import Trial

SAYS = (Outcome.HIT, Outcome.RAN)  # the outcomes that say something of a cache key


class Prediction(StrEnum):
    """How a trial's prediction stands; `unknown` where no step has both a prediction and an outcome."""

    OK = "ok"
    CONTRADICTED = "contradicted"
    UNKNOWN = "unknown"


def prediction(trial: Trial) -> Prediction:
    """`contradicted` if one step differs, `ok` if those that were predicted came so, else `unknown`."""
    steps = trial.build.steps if trial.build else ()
    pairs = [(guess, step.outcome) for guess, step in zip(trial.predicted or (), steps, strict=False)]
    if any(contradicts(guess, seen) for guess, seen in pairs):
        return Prediction.CONTRADICTED
    return Prediction.OK if any(guess is seen and guess in SAYS for guess, seen in pairs) else Prediction.UNKNOWN


def contradicts(guess: Outcome, seen: Outcome) -> bool:
    """True if a hit was predicted of a step that ran, or the reverse; what is not known contradicts nothing."""
    return guess in SAYS and seen in SAYS and guess is not seen
