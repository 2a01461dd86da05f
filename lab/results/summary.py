"""A stored run in short: what the list of runs shows of it, and how often each of its steps had which outcome."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.files import is_open
from lab.model import Outcome, Verdict, is_moment

if TYPE_CHECKING:
    from lab.results.run import Run

BROKEN = "broken"  # in place of an outcome: the trial is broken, so its steps have none
COUNTED = (Outcome.HIT, Outcome.WRONG_HIT, Outcome.RAN)


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary of one stored run; `verdicts` counts trials, `problem` is the reason why the run cannot be read.

    `running` is true while a lab process still writes the run. `seconds` is how long a complete run took; it is None
    for one that was resumed or merged, because its time includes some in which no trial was made.
    """

    name: str
    started: datetime | None = None
    scenario: str = ""
    lineup: str = ""
    boxes: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    verdicts: tuple[tuple[str, int], ...] = ()
    complete: bool = False
    running: bool = False
    problem: str | None = None
    seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Convert the summary to JSON values."""
        return {
            **asdict(self),
            "started": self.started.isoformat() if self.started else None,
            "verdicts": dict(self.verdicts),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Summary:
        """Make a summary from the values that `to_json` gives; KeyError, TypeError or ValueError for other values."""
        made = cls(**data)
        started = datetime.fromisoformat(data["started"]) if data["started"] else None
        if started is not None and not is_moment(started):
            raise ValueError(f"no stored run has the time {started}")
        return replace(
            made,
            started=started,
            boxes=tuple(data["boxes"]),
            engines=tuple(data["engines"]),
            verdicts=tuple(data["verdicts"].items()),
        )


@dataclass(frozen=True, slots=True)
class StepCount:
    """How often a trial had one outcome at a step, by the consumer's box, engine and builder.

    `trial` is the place of the trial in its run. `outcome` is `hit`, `wrong-hit` or `ran`; `unknown` if it could not be
    read, `broken` for a step of a broken trial. `count` is above 1 for a step whose text occurs several times.
    """

    trial: int
    step: str
    engine: str
    box: str
    builder: str
    variation: str
    outcome: str
    count: int


def summary_of(name: str, run: Run) -> Summary:
    """The summary of a run in the folder of this name; `running` is not known from the run."""
    return Summary(
        name,
        run.started,
        run.scenario,
        run.lineup,
        tuple(dict.fromkeys(box.name for box in run.boxes)),
        _engines(run),
        tuple(Counter(trial.verdict.value for trial in run.trials).items()),
        run.complete,
        seconds=_seconds(run),
    )


def _engines(run: Run) -> tuple[str, ...]:
    """The engines that took part in a trial, in the order of the run; all that are ready where there is no trial."""
    ends = {engine for trial in run.trials for engine in (trial.engine, trial.producer_engine)}
    return tuple(dict.fromkeys(box.engine for box in run.boxes if not ends or box.engine in ends))


def _seconds(run: Run) -> float | None:
    if run.finished is None or not run.complete or run.resumed or run.merged:
        return None
    return (run.finished - run.started).total_seconds()


def step_counts(run: Run) -> list[StepCount]:
    """The outcomes of all steps of a run, counted; a step that a trial did not reach is `unknown`."""
    builders = {(box.name, box.engine): box.builder for box in run.boxes}
    counts: Counter[tuple[int, str, str, str, str, str, str]] = Counter()
    texts = [" ".join(instruction.split()) for instruction in run.instructions]
    for place, trial in enumerate(run.trials):
        builder = builders.get((trial.consumer, trial.engine), "")
        steps = trial.build.steps if trial.build else ()
        for number, text in enumerate(texts):
            outcome = steps[number].outcome if number < len(steps) else Outcome.UNKNOWN
            word = outcome.value if outcome in COUNTED else Outcome.UNKNOWN.value
            word = BROKEN if trial.verdict is Verdict.BROKEN else word
            counts[place, text, trial.engine, trial.consumer, builder, trial.variation, word] += 1
    return [StepCount(*key, count) for key, count in counts.items()]


def marks_of(name: str, run: Run) -> list[tuple[int, str]]:
    """The place of each trial of the run in the folder of this name, with what identifies the trial in all runs.

    That is its name and the moment at which it began. A trial that did not begin, as its producer pushed no image, is
    identified by its run; a merged run has a mark for each of its parts there, since it does not state which had it.
    """
    found = []
    for place, trial in enumerate(run.trials):
        origins = (
            [trial.started.astimezone(UTC).isoformat()]
            if trial.started
            else [f"of {part}" for part in run.merged or (name,)]
        )
        found += [(place, f"{trial.name} {origin}") for origin in origins]
    return found


def is_running(folder: Path) -> bool:
    """True while a lab process writes the run in this folder: the process has its transcript open."""
    return is_open(folder / "transcript.jsonl")
