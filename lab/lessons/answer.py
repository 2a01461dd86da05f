"""Which choice of a prediction a run makes right."""

from __future__ import annotations

from lab.errors import ReadError
from lab.lessons.lesson_file import Choice, Fact, Prediction
from lab.model import Outcome
from lab.results.run import Run, Trial


def right_choice(prediction: Prediction, run: Run) -> Choice:
    """The choice all facts of which the run shows; ReadError if there is none, or more than one.

    A broken trial shows no fact.
    """
    right = [choice for choice in prediction.choices if all(shows(run, fact) for fact in choice.when)]
    if len(right) == 1:
        return right[0]
    seen = "; ".join(f"{trial.name}: {' '.join(outcomes_of(trial)) or trial.problem}" for trial in run.trials)
    which = "no choice" if not right else f"the choices {', '.join(choice.name for choice in right)}"
    raise ReadError(
        f"cannot compare the prediction: the run makes {which} right ({seen})",
        hint=f"python -m lab report {run.name}",
    )


def shows(run: Run, fact: Fact) -> bool:
    """True if the run has trials of the fact's variation and engines, and all of them show its outcome."""
    trials = [trial for trial in run.trials if _fits(trial, fact)]
    return bool(trials) and all(_outcome(trial, fact) is fact.outcome for trial in trials)


def outcomes_of(trial: Trial) -> list[str]:
    """The outcomes of the judged build of a trial."""
    return [step.outcome.value for step in trial.build.steps] if trial.build else []


def _fits(trial: Trial, fact: Fact) -> bool:
    made_by = trial.producer_engine or trial.engine
    return (
        trial.variation == fact.variation
        and fact.engine in (None, trial.engine)
        and fact.producer_engine in (None, made_by)
    )


def _outcome(trial: Trial, fact: Fact) -> Outcome | None:
    if fact.round is None:
        build = trial.build
    else:
        build = trial.rounds[fact.round - 1].build if fact.round <= len(trial.rounds) else None
    if build is None or fact.step > len(build.steps):
        return None
    return build.steps[fact.step - 1].outcome
