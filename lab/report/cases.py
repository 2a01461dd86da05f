"""The table of cases in Markdown: for every case, variation and engine what was seen, and what was predicted."""

from __future__ import annotations

from collections.abc import Sequence

from lab.model import CONTROL, Verdict
from lab.report import markup
from lab.report.prediction import Prediction, prediction
from lab.results.run import Run, Trial
from lab.versions import natural

HEAD = """\
# The cases on real engines

`make cases` writes this file from a run of `lab cases check`. `lab cases show NAME` describes a case, and `lab repro
NAME` runs it. [Scenarios](scenarios.md) lists the reported cases that are not here, with the reason.

A column is an engine with a builder: `20.10.24` builds with BuildKit, and `20.10.24+classic` with the classic builder.
Each cell is one trial, with one word for each step of the Dockerfile after FROM: what the engine did. **Bold** cells
are not as the case expects. The last sign of a cell compares it with the prediction that was made before lab read the
build's output:

| sign | meaning |
| --- | --- |
| `=` | every step was predicted, and the engine did that |
| `~` | the engine did what was predicted; some steps were not predicted |
| `!` | the engine did something else than predicted |
| none | nothing was predicted: lab has no model of the classic builder, or the engine kept a cache of another build |

A cell is `-` where the case cannot run on that engine or with that builder. A column ends with `<` and an engine where
that engine made the cache.
"""
SIGNS = {Prediction.OK: " =", Prediction.PARTLY: " ~", Prediction.CONTRADICTED: " !", Prediction.UNKNOWN: ""}


def cases_table(runs: Sequence[Run]) -> str:
    """All runs as one document, a row for each case and variation, a column for each engine."""
    cells: dict[tuple[str, str], dict[str, Trial]] = {}
    for run in runs:
        for trial in run.trials:
            cells.setdefault((run.scenario, trial.variation), {})[_column(trial)] = trial
    trials = [trial for row in cells.values() for trial in row.values()]
    columns = sorted({_column(trial) for trial in trials}, key=natural)
    lines = [HEAD, _count(trials), "", _row(["case", "variation", *columns]), _row(["---"] * (len(columns) + 2))]
    for (case, variation), there in cells.items():
        name = "" if variation == CONTROL else markup.code(variation)
        seen = [_cell(there[column]) if column in there else "-" for column in columns]
        lines.append(_row([markup.code(case), name, *seen]))
    return "\n".join(lines) + "\n"


def _column(trial: Trial) -> str:
    """The engine, and the one that made the cache if that is another."""
    return f"{trial.engine} < {trial.producer_engine}" if trial.producer_engine else trial.engine


def _count(trials: Sequence[Trial]) -> str:
    right = sum(trial.verdict is Verdict.AS_EXPECTED for trial in trials)
    found = [prediction(trial) for trial in trials]
    return (
        f"{len(trials)} trials: {right} as expected, {found.count(Prediction.OK)} predicted in full, "
        f"{found.count(Prediction.PARTLY)} in part, {found.count(Prediction.CONTRADICTED)} with another outcome than "
        "predicted."
    )


def _cell(trial: Trial) -> str:
    words = " ".join(step.outcome.value for step in trial.build.steps) if trial.build else trial.verdict.value
    return (words if trial.verdict is Verdict.AS_EXPECTED else f"**{words}**") + SIGNS[prediction(trial)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
