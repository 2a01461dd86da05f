"""What every form of a report says of one trial in the same way: its place, its steps, its engine, its bytes."""

from __future__ import annotations

from collections.abc import Callable

from lab.model import Outcome, ordering
from lab.report.evidence import producer_engine
from lab.results.facts import StepResult
from lab.results.run import Run, Trial


def in_order(run: Run) -> list[Trial]:
    """The trials of a run in the order in which every report shows them."""
    return sorted(run.trials, key=order(run))


def order(run: Run) -> Callable[[Trial], tuple[object, ...]]:
    """The key that sorts trials: variations as the run made them, then engines by version, then boxes."""
    place = ordering(trial.key for trial in run.trials)
    return lambda trial: place(trial.key)


def steps_of(run: Run, trial: Trial) -> tuple[StepResult, ...]:
    """One result for each instruction of the run; a step that the trial did not reach or read is `unknown`."""
    made = trial.build.steps if trial.build else ()
    lost = run.instructions[len(made) :]
    return (*made, *(StepResult(instruction=text, outcome=Outcome.UNKNOWN) for text in lost))


def predicted_of(trial: Trial, number: int) -> Outcome | None:
    """The outcome that was predicted of one step, counted from 0; None where the run holds no prediction of it."""
    return trial.predicted[number] if trial.predicted and number < len(trial.predicted) else None


def is_mixed(trial: Trial) -> bool:
    """True where producer and consumer have different engines."""
    return producer_engine(trial) != trial.engine


def engine_word(trial: Trial) -> str:
    """The trial's engine; `P>C` where the producer has another engine than the consumer."""
    return f"{trial.producer_engine}>{trial.engine}" if is_mixed(trial) else trial.engine


def bytes_sent(trial: Trial) -> int | None:
    """Bytes of the context that the client sent; None where the output did not say."""
    return trial.build.context_bytes if trial.build else None


def sent_word(count: int | None) -> str:
    """Bytes as Docker prints them, as in 34B; `?` where the count is not known."""
    return "?" if count is None else f"{count}B"
