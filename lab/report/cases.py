"""The table of cases in Markdown: for every case, variation and engine what was seen, beside what was predicted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.model import CONTROL, Verdict
from lab.report import markup
from lab.report.prediction import Prediction, prediction
from lab.results.run import Run, Trial
from lab.versions import natural

HEAD = """\
# The cases on real engines

`python -m lab cases check --output docs/cases.md` writes this file. Each cell is one trial, with one word for each step
of the Dockerfile after FROM: what the engine did. **Bold** cells are not as the case expects. `predicted` says how many
trials of a row were predicted right, by lab's model of the cache alone. A case that keeps local cache between two
builds is not predicted.
"""


def cases_table(runs: Sequence[Run]) -> str:
    """All runs as one document, a row for each case and variation, a column for each engine."""
    trials = [trial for run in runs for trial in run.trials]
    engines = sorted({trial.engine for trial in trials}, key=natural)
    heads = ["case", "variation", *engines, "predicted"]
    lines = [HEAD, _count(trials), "", _row(heads), _row(["---"] * len(heads))]
    for run in runs:
        for variation in dict.fromkeys(trial.variation for trial in run.trials):
            there = {trial.engine: trial for trial in run.trials if trial.variation == variation}
            cells = [_cell(there[engine]) if engine in there else "not run" for engine in engines]
            name = "" if variation == CONTROL else markup.code(variation)
            lines.append(_row([markup.code(run.scenario), name, *cells, _predicted(there.values())]))
    return "\n".join(lines) + "\n"


def _count(trials: Sequence[Trial]) -> str:
    right = sum(trial.verdict is Verdict.AS_EXPECTED for trial in trials)
    wrong = sum(prediction(trial) is Prediction.CONTRADICTED for trial in trials)
    return f"{len(trials)} trials: {right} as expected, {wrong} with another outcome than predicted."


def _cell(trial: Trial) -> str:
    words = " ".join(step.outcome.value for step in trial.build.steps) if trial.build else trial.verdict.value
    return words if trial.verdict is Verdict.AS_EXPECTED else f"**{words}**"


def _predicted(trials: Iterable[Trial]) -> str:
    found = [prediction(trial) for trial in trials]
    return f"{found.count(Prediction.OK)} of {len(found)}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
