"""Many random trials on the engines of this machine: made side by side, counted, and what contradicts is minimised."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lab.boxes.base import Tell
from lab.errors import Interrupted
from lab.model import Progress
from lab.run.random_trials.bench import Bench, Made, engines_of
from lab.run.random_trials.draw import draw
from lab.workers import each, raise_first, stopping

WHO = "random trials"


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial with its seed, which alone repeats it on the same engines."""

    seed: int
    producer: str
    consumer: str
    made: Made


@dataclass
class Tally:
    """All trials so far."""

    engines: tuple[str, ...]
    trials: list[Tried] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        """How many steps were predicted `right`, `unknown` or `wrong`, and how many trials `failed` to build."""
        found = Counter({"right": 0, "unknown": 0, "wrong": 0, "failed": 0})
        for trial in self.trials:
            found["failed"] += trial.made.problem is not None
            for step in trial.made.steps:
                found["wrong" if step.wrong else "unknown" if step.unknown else "right"] += 1
        return found

    @property
    def wrong(self) -> list[Tried]:
        """The trials that contradict their prediction, by seed."""
        return [trial for trial in self.trials if trial.made.wrong]

    def distinct(self) -> dict[str, Tried]:
        """By sort of contradiction, the first trial that shows it, the shortest Dockerfile first."""
        found: dict[str, Tried] = {}
        for trial in sorted(self.wrong, key=lambda item: len(item.made.case.dockerfile)):
            found.setdefault(trial.made.wrong[0].sort, trial)
        return found


def run(bench: Bench, count: int, seed: int, tell: Tell, done: Callable[[Tried], None] = lambda trial: None) -> Tally:
    """Make the trials of the seeds from `seed` on, as many at once as there are engines; `done` hears of each."""
    names = tuple(bench.seats)
    tally, guard = Tally(names), threading.Lock()
    left = iter(range(seed, seed + count))

    def work(worker: str) -> None:
        while not stopping.is_set():
            with guard:
                number = next(left, None)
            if number is None:
                return
            trial = once(bench, number, names)
            if stopping.is_set():  # its commands were ended
                raise Interrupted(f"stopped during the trial of seed {number}")
            with guard:
                tally.trials.append(trial)
                done(trial)
                tell(Progress(WHO, progress(tally, count)))

    try:
        raise_first(each([f"{WHO} {number}" for number, _ in enumerate(names, 1)], work)[1])
    finally:
        tally.trials.sort(key=lambda trial: trial.seed)
        tell(Progress(WHO, progress(tally, count), done=True, failed=bool(tally.wrong)))
    return tally


def once(bench: Bench, seed: int, engines: Sequence[str]) -> Tried:
    """Make the trial of one seed, in words that both of its engines read."""
    producer, consumer = engines_of(engines, seed)
    case = draw(seed, modern=bench.seats[producer].modern and bench.seats[consumer].modern)
    return Tried(seed, producer, consumer, bench.make(case, producer, consumer, f"{seed}"))


def progress(tally: Tally, count: int) -> str:
    """One line on the trials so far."""
    seen = tally.counts
    steps = f"{seen['right']} steps right, {seen['unknown']} unknown, {seen['wrong']} wrong"
    return f"{len(tally.trials)} of {count}: {steps}" + (f", {seen['failed']} builds failed" if seen["failed"] else "")
