"""The table of cases in Markdown: for every case, variation and engine what was seen, and what was predicted."""

from __future__ import annotations

from collections.abc import Sequence

from lab.counting import counted
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

A cell is `-` where the case cannot run on that engine or with that builder.
"""
CROSSED = """
## The cache of another engine

These cases rebuild what another engine has built and pushed.
"""
SIGNS = {Prediction.OK: " =", Prediction.PARTLY: " ~", Prediction.CONTRADICTED: " !", Prediction.UNKNOWN: ""}


def cases_table(runs: Sequence[Run]) -> str:
    """All runs as one document: a row for each case and variation, a column for each engine; crossed trials last.

    Where the runs have several boxes, each pair of producer and consumer has a row of its own.
    """
    pairs = [(run.scenario, trial) for run in runs for trial in run.trials]
    many = len({box for _, trial in pairs for box in (trial.producer, trial.consumer)}) > 1
    cells: dict[tuple[str, ...], dict[str, Trial]] = {}
    for case, trial in pairs:
        there = cells.setdefault(_names(case, trial, many=many), {})
        if trial.producer_engine is None:
            there[trial.engine] = trial
    columns = sorted({trial.engine for _, trial in pairs if trial.producer_engine is None}, key=natural)
    names = ("case", "variation", *(("boxes",) if many else ()))
    lines = [HEAD, _count([trial for _, trial in pairs]), "", *_heads(*names, *columns)]
    for row, there in cells.items():
        lines.append(_row([*row, *(_cell(there[column]) if column in there else "-" for column in columns)]))
    return "\n".join([*lines, *_crossed(pairs, names)]) + "\n"


def _crossed(pairs: Sequence[tuple[str, Trial]], names: Sequence[str]) -> list[str]:
    """The lines about trials whose cache another engine made; none without such a trial."""
    many = "boxes" in names
    rows = [
        _row([*_names(case, trial, many=many), trial.producer_engine, trial.engine, _cell(trial)])
        for case, trial in pairs
        if trial.producer_engine
    ]
    return [CROSSED, *_heads(*names, "made by", "rebuilt by", "outcome"), *rows] if rows else []


def _heads(*words: str) -> list[str]:
    return [_row(words), _row(["---"] * len(words))]


def _names(case: str, trial: Trial, *, many: bool) -> tuple[str, ...]:
    """The first cells of a row: the case, the variation, and where there are several boxes, those of the trial."""
    boxes = (f"{markup.code(trial.producer)} to {markup.code(trial.consumer)}",) if many else ()
    return markup.code(case), "" if trial.variation == CONTROL else markup.code(trial.variation), *boxes


def _count(trials: Sequence[Trial]) -> str:
    right = sum(trial.verdict is Verdict.AS_EXPECTED for trial in trials)
    found = [prediction(trial) for trial in trials]
    return (
        f"{counted(len(trials), 'trial')}: {right} as expected, {found.count(Prediction.OK)} predicted in full, "
        f"{found.count(Prediction.PARTLY)} in part, {found.count(Prediction.CONTRADICTED)} with another outcome than "
        "predicted."
    )


def _cell(trial: Trial) -> str:
    words = " ".join(step.outcome.value for step in trial.build.steps) if trial.build else trial.verdict.value
    return (words if trial.verdict is Verdict.AS_EXPECTED else f"**{words}**") + SIGNS[prediction(trial)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
