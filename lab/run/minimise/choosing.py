"""Chooses the trial of a stored run that is minimised."""

from __future__ import annotations

from lab.errors import UsageError, did_you_mean
from lab.model import CONTROL, Outcome
from lab.results.run import Run, Trial
from lab.run.builders.table import split
from lab.run.minimise.bench import Ends

SHOWN = 8  # names that a hint lists


def trial_of(run: Run, name: str | None) -> Trial:
    """The trial of that name or pattern; without one, the only trial that shows a difference. UsageError if none is."""
    if name is not None:
        found = [trial for trial in run.trials if trial.name == name or trial.key.matches(name)]
        known = [trial.name for trial in run.trials]
        if len(found) != 1:
            many = f"{len(found)} trials match" if found else "there is no such trial"
            raise UsageError(
                f'cannot minimise the trial "{name}" of {run.name}: {many}{did_you_mean(name, known)}',
                hint=f"trials: {', '.join(known[:SHOWN])}{' ..' if len(known) > SHOWN else ''}",
            )
        return found[0]
    found = [trial for trial in run.trials if _differs(run, trial)]
    if not found:
        raise _without_difference(run)
    if len({(trial.variation, trial.producer, trial.consumer) for trial in found}) > 1:
        names = ", ".join(trial.name for trial in found[:SHOWN])
        raise UsageError(
            f"cannot choose a trial of {run.name}: {len(found)} differ from their reference",
            hint=f"--trial names one: {names}{' ..' if len(found) > SHOWN else ''}",
        )
    return found[0]


def _without_difference(run: Run) -> UsageError:
    """The error for a run in which no trial differs: there is no difference, or nothing to compare a miss with."""
    alone = [trial.name for trial in run.trials if Outcome.RAN in _outcomes(trial) and _reference(run, trial) is None]
    if alone:
        return UsageError(
            f"cannot choose a trial of {run.name}: it made none without the change, with which a miss is compared",
            hint=f"--trial names one that missed: {', '.join(alone[:SHOWN])}{' ..' if len(alone) > SHOWN else ''}",
        )
    return UsageError(
        f"cannot minimise {run.name}: no trial of it has another outcome than the one without the change",
        hint="name a run with a miss; `python -m lab runs` lists what the trials of each did",
    )


def ends_of(trial: Trial) -> Ends:
    """The boxes, engines, builder and cache of a trial; UsageError if its two sides have different builders."""
    made, maker, cache = split(trial.producer_engine or trial.engine)
    used, builder, _ = split(trial.engine)
    if maker != builder:
        raise UsageError(
            f"cannot minimise {trial.name}: its sides have different builders, and a minimisation uses one",
            hint="name another trial with --trial",
        )
    return Ends(trial.producer, trial.consumer, made, used, builder or None, cache)


def _differs(run: Run, trial: Trial) -> bool:
    """True if the trial has another outcome than its reference: the same without the change, or the producer's own."""
    reference = _reference(run, trial)
    if reference is None or reference is trial or trial.build is None or reference.build is None:
        return False
    return _outcomes(trial) != _outcomes(reference)


def _reference(run: Run, trial: Trial) -> Trial | None:
    if trial.variation == CONTROL:
        return run.control(trial.producer, trial.producer_engine or trial.engine)
    same = (trial.producer, trial.consumer, trial.engine, trial.producer_engine, CONTROL)
    return next(
        (
            item
            for item in run.trials
            if (item.producer, item.consumer, item.engine, item.producer_engine, item.variation) == same
        ),
        None,
    )


def _outcomes(trial: Trial) -> list[Outcome]:
    return [step.outcome for step in trial.build.steps] if trial.build else []
