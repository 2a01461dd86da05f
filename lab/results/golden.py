"""Golden tables: the reference outcomes of a scenario on a lineup, stored in the scenario's folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab import files
from lab.errors import ConfigError, UsageError
from lab.model import Outcome, TrialKey, Verdict
from lab.results.names import below, is_plain
from lab.results.run import Run, Trial
from lab.yamlfile import Strict, load

SCHEMA = 1
HEAD = """\
# The outcome of every step of each trial. `lab expect save` wrote this file; `lab expect check` compares a run with it.
"""


class _Cell(Strict):
    producer: str
    producer_engine: str
    consumer: str
    engine: str
    variation: str
    outcomes: tuple[Outcome, ...]

    def key(self, scenario: str) -> TrialKey:
        """The key of the trial; the file states the scenario once for all trials."""
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
    """One cell that differs from the golden table: the trial, the step's instruction, and both outcomes."""

    trial: str
    step: str
    golden: str
    found: str


def path_of(scenario: Path, lineup: str) -> Path:
    """Return the path of the golden table for a scenario's folder and a lineup; ConfigError if it is not below it."""
    if not is_plain(lineup):
        raise ConfigError(f"cannot use the lineup {lineup!r:.80} of the run: it is not a plain name")
    return below(scenario, "golden", f"{lineup}.yaml")


def save(scenario: Path, run: Run) -> Path:
    """Write the run's outcomes as a golden table; UsageError if the run is incomplete or an outcome is not known."""
    if not run.complete or not run.trials:
        raise UsageError(f"cannot save {run.name} as golden: it is incomplete")
    unread = [trial.name for trial in run.trials if not _known(trial)]
    if unread:
        raise UsageError(f"cannot save {run.name} as golden: the outcomes of {', '.join(unread[:3])} are not known")
    cells = {trial.key.first: _cell(trial) for trial in run.trials}
    if flaky := [trial.name for trial in run.trials if _cell(trial) != cells[trial.key.first]]:
        raise UsageError(f"cannot save {run.name} as golden: the repeats of {flaky[0]} have different outcomes")
    trials = [cell.model_dump(mode="json") for cell in cells.values()]
    trials.sort(
        key=lambda cell: [cell[key] for key in ("variation", "engine", "producer", "consumer", "producer_engine")]
    )
    data = {"golden": SCHEMA, "scenario": run.scenario, "lineup": run.lineup, "steps": list(run.instructions)}
    path = path_of(scenario, run.lineup)
    text = yaml.safe_dump(
        {**data, "trials": trials}, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None
    )
    files.write(path, HEAD + text, follow=False)
    return path


def check(scenario: Path, run: Run) -> tuple[list[Difference], int, list[str]]:
    """Compare a run with its golden table.

    Returns the cells that differ, the number of trials in the table, and the names of trials that only the run has.
    For a trial that only the table has, every step differs: its outcome is `not made`. UsageError if there is no table.
    """
    path = path_of(scenario, run.lineup)
    if not path.is_file():
        raise UsageError(
            f"cannot check {run.name}: {path} does not exist", hint="write it with `python -m lab expect save`"
        )
    table = load(path, Golden)
    if table.golden != SCHEMA:
        raise UsageError(f"cannot use {path}: its format is {table.golden}, this version of lab reads {SCHEMA}")
    made: dict[TrialKey, list[Trial]] = {}
    for trial in run.trials:
        made.setdefault(trial.key.first, []).append(trial)
    found: list[Difference] = []
    for cell in table.trials:
        key = cell.key(run.scenario)
        repeats: Sequence[Trial | None] = made.pop(key, []) or [None]
        for one in repeats:
            found += _differences(table, cell, str(one.key if one else key), one)
    if tuple(run.instructions) != table.steps:
        found.append(Difference("every trial", "steps", ", ".join(table.steps), ", ".join(run.instructions)))
    return found, len(table.trials), [trial.name for rest in made.values() for trial in rest]


def _differences(table: Golden, cell: _Cell, name: str, trial: Trial | None) -> Iterator[Difference]:
    """The steps of a trial that differ from its cell of the table; every step, if the trial was not made."""
    outcomes = _cell(trial).outcomes if trial and _known(trial) else ()
    for number, wanted in enumerate(cell.outcomes):
        step = table.steps[number] if number < len(table.steps) else f"step {number + 2}"
        seen = outcomes[number].value if number < len(outcomes) else Outcome.UNKNOWN.value if trial else "not made"
        if seen != wanted.value:
            yield Difference(name, step, wanted.value, seen)


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
