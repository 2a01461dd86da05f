"""CSV for spreadsheets: one row for each step of each trial; no text becomes a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC

from lab.report import printable
from lab.report.evidence import Evidence, producer_engine
from lab.report.trials import bytes_sent, in_order, predicted_of, steps_of
from lab.results.run import Trial

COLUMNS = (
    "run", "started", "lineup", "scenario", "variation", "producer", "producer_engine", "consumer", "engine",
    "server", "context_bytes", "step", "instruction", "outcome", "expected", "predicted", "seconds", "verdict", "cause",
    "because", "problem", "repeat",
)  # fmt: skip
# What makes a spreadsheet calculate. The apostrophe is in the list so that a reader can remove the added one safely.
_FORMULA = tuple("=+-@\t\r\n'＝＋－＠")


def spreadsheet(runs: Sequence[Evidence]) -> str:
    """Runs as CSV by RFC 4180: a header, CRLF line ends, numbers without quotes, unknown values empty.

    A text that begins with = + - @ (also in their wide forms), a tab, a line end or ' gets a ' in front.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for evidence in runs:
        for trial in in_order(evidence.run):
            writer.writerows(_rows(evidence, trial))
    return out.getvalue()


def _rows(evidence: Evidence, trial: Trial) -> Iterable[list[str | int | float | None]]:
    run = evidence.run
    consumer = evidence.facts(trial.consumer, trial.engine)
    for number, step in enumerate(steps_of(run, trial)):
        predicted = predicted_of(trial, number)
        cause = evidence.step_cause(trial, number)
        yield [
            *map(safe_text, (run.name, f"{run.started.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", run.lineup, run.scenario)),
            *map(safe_text, (trial.variation, trial.producer, producer_engine(trial), trial.consumer, trial.engine)),
            safe_text(consumer.server if consumer else None),
            bytes_sent(trial),
            number + 2,
            safe_text(step.instruction),
            step.outcome.value,
            step.expected.value if step.expected else None,
            predicted.value if predicted else None,
            step.seconds,
            trial.verdict.value,
            *map(safe_text, (cause.sentence if cause else None, trial.because, trial.problem)),
            trial.repeat,
        ]


def safe_text(text: str | None) -> str | None:
    """The text as a cell that no spreadsheet calculates; None stays an empty cell."""
    if text is None:
        return None
    shown = printable.lines(text)
    return f"'{shown}" if shown.startswith(_FORMULA) or shown.lstrip(" ").startswith(_FORMULA) else shown
