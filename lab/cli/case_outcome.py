"""What came of a check of cases: as JSON, as text, and as exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lab.cli.columns import columns
from lab.cli.terminal import echo, say
from lab.counting import counted
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.results.run import Run, Trial
    from lab.run.case_jobs import Job, LeftOut

SCHEMA = 1


@dataclass
class Checked:
    """What came of a check: the runs, the jobs that ended with an error, what was left out, and the seconds it took.

    `jobs` is the number of lanes, `memory` the MiB that the data of an engine may take in memory, 0 for the disk.
    """

    left: list[LeftOut]
    runs: list[Run] = field(default_factory=list)
    errors: list[tuple[Job, LabError]] = field(default_factory=list)
    jobs: int = 1
    memory: int = 0
    seconds: float = 0.0

    def add(self, job: Job, found: Run | LabError) -> None:
        """Keep what a job ended with."""
        if isinstance(found, LabError):
            self.errors.append((job, found))
        else:
            self.runs.append(found)

    def sort(self, names: Sequence[str]) -> None:
        """Put the runs in the order of the cases; jobs side by side end in any order."""
        self.runs.sort(key=lambda run: names.index(run.scenario) if run.scenario in names else len(names))

    @property
    def trials(self) -> list[tuple[Run, Trial]]:
        """All trials, each with its run."""
        return [(run, trial) for run in self.runs for trial in run.trials]


def ending_of(checked: Checked) -> int:
    """The exit code: that of the worst run, else that of a job that ended with an error."""
    from lab.cli.runs import ending

    return max([*map(ending, checked.runs), *(error.exit_code for _, error in checked.errors)], default=0)


def document(checked: Checked) -> dict[str, Any]:
    """Return the check as JSON has it."""
    return {
        "schema": SCHEMA,
        "trials": [_row(run, trial) for run, trial in checked.trials],
        "errors": [
            {"case": job.case.name, "engine": job.engine, "error": error.message} for job, error in checked.errors
        ],
        "left_out": [asdict(item) for item in checked.left],
        "jobs": checked.jobs,
        "memory": checked.memory,
        "seconds": checked.seconds,
    }


def show(checked: Checked, *, every: bool) -> None:
    """Print the trials that are not as expected or not as predicted, and how many there are of each."""
    rows = [_row(run, trial) for run, trial in checked.trials]
    odd = [row for row in rows if row["verdict"] != "as expected" or row["prediction"] == "contradicted"]
    if shown := rows if every else odd:
        boxes = ["boxes"] if len({row["boxes"] for row in rows}) > 1 else []
        heads = ["case", *boxes, "variation", "engine", "expected", "seen", "prediction", "verdict"]
        echo(columns([[row[head] for head in heads] for row in shown], heads))
    for job, error in checked.errors:
        say(f"{job.name} could not be run: {error.message}")
    if checked.left:
        say(
            "left out:\n"
            + columns([[str(count), reason] for reason, count in _counted(checked.left)], ["cases", "why"])
        )
    predicted = sum(row["prediction"] == "ok" for row in rows)
    names = {row["case"] for row in rows}
    say(
        f"{counted(len(names), 'case')}, {counted(len(rows), 'trial')}: {len(rows) - len(odd)} as expected, "
        f"{predicted} predicted in full; "
        f"{checked.seconds:.0f} s, {checked.jobs} side by side"
    )


def reasons(left: Sequence[LeftOut]) -> str:
    """The reasons why cases are left out, each with its count, the most frequent first."""
    return "; ".join(f"{reason} ({count})" for reason, count in _counted(left))


def _counted(left: Sequence[LeftOut]) -> list[tuple[str, int]]:
    return Counter(item.reason for item in left).most_common()


def _row(run: Run, trial: Trial) -> dict[str, str]:
    from lab.report.prediction import prediction

    steps = trial.build.steps if trial.build else ()
    return {
        "case": run.scenario,
        "boxes": trial.producer if trial.producer == trial.consumer else f"{trial.producer} to {trial.consumer}",
        "variation": trial.variation,
        "engine": trial.engine,
        "expected": " ".join(step.expected.value if step.expected else "-" for step in steps),
        "seen": " ".join(step.outcome.value for step in steps),
        "prediction": prediction(trial).value,
        "verdict": trial.verdict.value,
    }
