"""CSV for spreadsheets: a row a trial and step; text that a spreadsheet would take for a formula is defused."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC

from lab.model import Outcome
from lab.report import printable
from lab.report.evidence import Evidence, producer_engine
from lab.results.run import StepResult, Trial

COLUMNS = (
    "run", "started", "lineup", "scenario", "variation", "producer", "producer_engine", "consumer", "engine",
    "server", "context_bytes", "step", "instruction", "outcome", "expected", "predicted", "seconds", "verdict", "cause",
    "because", "problem",
)  # fmt: skip
# What makes a spreadsheet calculate; the apostrophe itself too, so that the one put in front can be told from it.
_FORMULA = tuple("=+-@\t\r\n'＝＋－＠")


def spreadsheet(runs: Sequence[Evidence]) -> str:
    """Runs as CSV by RFC 4180: heading, CRLF, numbers bare, unknown values empty.

    A text that begins with one of = + - @ (also the wide forms), a tab, a line end or ' has a ' in front.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for evidence in runs:
        for trial in evidence.run.trials:
            writer.writerows(_rows(evidence, trial))
    return out.getvalue()


def _rows(evidence: Evidence, trial: Trial) -> Iterable[list[str | int | float | None]]:
    run = evidence.run
    consumer = evidence.facts(trial.consumer, trial.engine)
    steps = trial.build.steps if trial.build else ()
    for number, instruction in enumerate(run.instructions or [step.instruction for step in steps]):
        step = steps[number] if number < len(steps) else StepResult(instruction=instruction, outcome=Outcome.UNKNOWN)
        guess = trial.predicted[number].value if trial.predicted and number < len(trial.predicted) else None
        cause = evidence.step_cause(trial, number)
        yield [
            *map(_safe, (run.name, f"{run.started.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", run.lineup, run.scenario)),
            *map(_safe, (trial.variation, trial.producer, producer_engine(trial), trial.consumer, trial.engine)),
            _safe(consumer.server if consumer else None),
            trial.build.context_bytes if trial.build else None,
            number + 2,
            _safe(step.instruction),
            step.outcome.value,
            step.expected.value if step.expected else None,
            guess,
            step.seconds,
            trial.verdict.value,
            *map(_safe, (cause.sentence if cause else None, trial.because, trial.problem)),
        ]


def _safe(text: str | None) -> str | None:
    if text is None:
        return None
    shown = printable.lines(text)
    return f"'{shown}" if shown.startswith(_FORMULA) or shown.lstrip(" ").startswith(_FORMULA) else shown
