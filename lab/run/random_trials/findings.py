"""What becomes of the trials of a campaign: contradictions are minimised and stored, everything is counted."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lab.boxes.base import Tell
from lab.counting import counted
from lab.model import Outcome, Progress
from lab.report.random_trials import Contradiction, Count, RandomTrials
from lab.run.random_trials.bench import Bench, Made, Wanted
from lab.run.random_trials.campaign import Tally, Tried
from lab.run.random_trials.case import Case
from lab.run.random_trials.minimising import Minimiser
from lab.run.random_trials.stored import save

WHO = "minimising"
UNREAD = "the output of the build does not show what became of it"


def findings(bench: Bench, tally: Tally, seed: int, folder: Path, tell: Tell) -> RandomTrials:
    """Minimise and store one trial of each sort of contradiction, and count all trials."""
    return RandomTrials(
        seed=seed,
        engines=tally.engines,
        counts=tuple(_counts(tally)),
        reasons=_reasons(tally),
        contradictions=tuple(_contradictions(bench, tally, folder, tell)),
        repeat=command(len(tally.trials), seed, tally.engines),
    )


def command(count: int, seed: int, engines: tuple[str, ...]) -> str:
    """The command that makes the trials of these seeds again on these engines."""
    words = ["python", "-m", "lab", "truth", "--random", str(count), "--seed", str(seed), "--engine", ",".join(engines)]
    return shlex.join(words)


def minimised(bench: Bench, trial: Tried, tell: Tell) -> Tried:
    """Return the trial with the smallest build that contradicts its prediction in the same way."""
    numbers = iter(range(1, 1_000_000))

    def make(case: Case, wanted: Wanted) -> Made:
        return bench.make(case, trial.producer, trial.consumer, f"{trial.seed}-{next(numbers)}", wanted)

    def say(text: str) -> None:
        tell(Progress(WHO, f"seed {trial.seed}: {text}"))

    dialect = bench.book.need(trial.producer).dialect
    if dialect is None:  # an engine whose records lab does not know, so that no prediction of it can be wrong
        return trial
    found = Minimiser(trial.made, make, dialect, tell=say).run()
    tell(
        Progress(
            WHO, f"seed {trial.seed}: {counted(len(found.case.dockerfile.splitlines()), 'line')} are left", done=True
        )
    )
    return replace(trial, made=found)


def _contradictions(bench: Bench, tally: Tally, folder: Path, tell: Tell) -> Iterator[Contradiction]:
    for sort, trial in tally.distinct().items():
        small = minimised(bench, trial, tell)
        path = save(folder, small)
        seeds = [item.seed for item in tally.wrong if any(step.sort == sort for step in item.made.wrong)]
        yield Contradiction(
            sort=sort,
            seeds=(trial.seed, *(number for number in seeds if number != trial.seed)),
            producer=trial.producer,
            consumer=trial.consumer,
            change=small.made.case.described(),
            dockerfile=small.made.case.dockerfile,
            steps=tuple(f"{step.text}: {step.sort}" for step in small.made.wrong),
            file=str(path),
            repeat=command(1, trial.seed, tally.engines),
        )


def _counts(tally: Tally) -> Iterator[Count]:
    for engine in tally.engines:
        trials = [trial for trial in tally.trials if trial.consumer == engine]
        found = Tally(tally.engines, trials).counts
        yield Count(engine, len(trials), found["right"], found["unknown"], found["wrong"], found["failed"])


def _reasons(tally: Tally) -> dict[str, int]:
    """Why steps are unknown, with how many they are."""
    steps = [step for trial in tally.trials for step in trial.made.steps if step.unknown]
    return dict(Counter(step.why if step.predicted is Outcome.UNKNOWN else UNREAD for step in steps))
