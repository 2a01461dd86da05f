"""What a run makes of its plan: every trial once, each several times, the missing ones, or those that failed before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.errors import Fault
from lab.model import TrialKey
from lab.results.run import Repetition, Run, Trial
from lab.results.shards import ShardFacts

MACHINERY = (Fault.BOX, Fault.ENGINE, Fault.REGISTRY)  # what fails there is no outcome of the build


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored run that is resumed, and its folder; this process holds the folder."""

    folder: Path
    run: Run


USUAL = Repetition()


@dataclass(frozen=True, slots=True)
class Course:
    """Which trials of the plan are made, how often, and in which order.

    `only` are the only trials to make, by their keys; empty for all. `again_of` is the name of the run that they failed
    in. `words` is the text of the plan that a new run stores, by which it can be resumed; None for a run that cannot
    be. `stored` is the run whose missing trials are made; None for a new run. `shard` states which part of a matrix a
    new run is.
    """

    repetition: Repetition = USUAL
    only: frozenset[TrialKey] = frozenset()
    again_of: str | None = None
    words: str | None = None
    stored: Stored | None = None
    shard: ShardFacts | None = None


ONCE = Course()


def is_missing(trial: Trial) -> bool:
    """True for a stored trial that a resumed run makes again: a box, an engine or the registry failed during it."""
    return trial.broken_by in MACHINERY
