"""A golden table: the outcomes that a run of a scenario on a lineup is held against, kept beside the scenario."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from lab import files
from lab.errors import UsageError
from lab.model import Outcome, TrialKey, Verdict
from lab.results.run import Run, Trial
from lab.yamlfile import Strict, load

SCHEMA = 1
HEAD = """\
# What every step of each trial came out as: `lab expect save` wrote this, `lab expect check` holds a run against it.
"""


class _Cell(Strict):
    producer: str
    producer_engine: str
    consumer: str
    engine: str
    variation: str
    outcomes: tuple[Outcome, ...]

    def key(self, scenario: str) -> TrialKey:
        """The trial's key; a file names its scenario once, in its head."""
        return TrialKey(self.producer, self.producer_engine, self.consumer, self.engine, scenario, self.variation)


class Golden(Strict):
    """One file: the scenario, the lineup, the steps, and a list of trials with their outcomes."""

    golden: int
    scenario: str
    lineup: str
    steps: tuple[str, ...]
    trials: tuple[_Cell, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One cell that is not as in the golden table: the trial, the step's instruction, both words."""

    trial: str
    step: str
    golden: str
    found: str


def path_of(scenario: Path, lineup: str) -> Path:
    """Where the golden table of a scenario's folder and a lineup lies."""
    return scenario / "golden" / f"{lineup}.yaml"


def save(scenario: Path, run: Run) -> Path:
    """Write the run's outcomes as golden; UsageError if the run is not whole, or an outcome is not known."""
    if not run.complete or not run.trials:
        raise UsageError(f"cannot save {run.name} as golden: it is incomplete")
    unread = [trial.name for trial in run.trials if not _known(trial)]
    if unread:
        raise UsageError(f"cannot save {run.name} as golden: no outcome is known of {', '.join(unread[:3])}")
    trials = [_cell(trial).model_dump(mode="json") for trial in run.trials]
    trials.sort(
        key=lambda cell: [cell[key] for key in ("variation", "engine", "producer", "consumer", "producer_engine")]
    )
    data = {"golden": SCHEMA, "scenario": run.scenario, "lineup": run.lineup, "steps": list(run.instructions)}
    path = path_of(scenario, run.lineup)
    text = yaml.safe_dump(
        {**data, "trials": trials}, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None
    )
    files.write(path, HEAD + text)
    return path


def check(scenario: Path, run: Run) -> tuple[list[Difference], int, list[str]]:
    """Cells that differ from the golden table, how many trials were held against it, and trials it does not know.

    A trial of the table that the run did not make differs in every step: `not made`. UsageError if there is no table.
    """
    path = path_of(scenario, run.lineup)
    if not path.is_file():
        raise UsageError(f"cannot check {run.name}: there is no {path}", hint="python -m lab expect save writes it")
    table = load(path, Golden)
    if table.golden != SCHEMA:
        raise UsageError(f"cannot use {path}: its form is {table.golden}, this lab reads {SCHEMA}")
    made = {trial.key: trial for trial in run.trials}
    found: list[Difference] = []
    for cell in table.trials:
        key = cell.key(run.scenario)
        trial = made.pop(key, None)
        outcomes = _cell(trial).outcomes if trial and _known(trial) else ()
        for number, wanted in enumerate(cell.outcomes):
            step = table.steps[number] if number < len(table.steps) else f"step {number + 2}"
            seen = outcomes[number].value if number < len(outcomes) else Outcome.UNKNOWN.value if trial else "not made"
            if seen != wanted.value:
                found.append(Difference(str(key), step, wanted.value, seen))
    if tuple(run.instructions) != table.steps:
        found.append(Difference("every trial", "steps", ", ".join(table.steps), ", ".join(run.instructions)))
    return found, len(table.trials), [trial.name for trial in made.values()]


def _cell(trial: Trial) -> _Cell:
    return _Cell(
        producer=trial.producer,
        producer_engine=trial.producer_engine or trial.engine,
        consumer=trial.consumer,
        engine=trial.engine,
        variation=trial.variation,
        outcomes=tuple(step.outcome for step in trial.build.steps) if trial.build else (),
    )


def _known(trial: Trial) -> bool:
    return trial.build is not None and trial.verdict is not Verdict.BROKEN
