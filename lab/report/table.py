"""The table of a run, for a terminal and for table.txt."""

from __future__ import annotations

import textwrap
from collections import Counter
from datetime import UTC
from itertools import groupby

import tabulate as tabulate_module
from tabulate import tabulate

from lab.model import CONTROL, Verdict
from lab.report import printable
from lab.report.evidence import Evidence
from lab.report.findings import Kind, finding_of
from lab.report.prediction import contradictions, prediction, unpredicted
from lab.report.problems import of_production, of_trial, problem_lines
from lab.report.project import project_lines
from lab.report.repeats import groups_of, one_word, outcome_words, rate_block
from lab.report.retries import retry_lines
from lab.report.trials import bytes_sent, engine_word, in_order, is_mixed, sent_word
from lab.report.vary import vary_blocks
from lab.results.facts import BuildResult
from lab.results.productions import Productions
from lab.results.run import Run, Trial

WIDTH = 100
GAP = 2  # blanks between two columns of a plain table
tabulate_module.MIN_PADDING = 0  # its default of 2 widens every column by its header, and the table past 100


def table(run: Run, width: int = WIDTH) -> str:
    """The run's trials, one row each, grouped by variation; then one line for each trial that needs words.

    The widest layout that fits `width` columns is taken: instructions on one line, on two lines, then without the
    engine column (each engine becomes a heading), at last several lines for each trial.
    """
    blocks = ["\n".join(_wrapped(line, width) for line in [_head(run), *project_lines(run), *retry_lines(run)])]
    trials = in_order(run)
    if run.vary:
        return "\n\n".join([*blocks, *vary_blocks(run, width)])
    for variation, group in groupby(trials, key=lambda trial: trial.variation):
        rows = list(group)
        blocks.append(_title(variation, rows, width) + "\n" + _fit(run, rows, width))
    notes = ["engine P>C: the producer's, then the consumer's"] if any(map(is_mixed, trials)) else []
    problems = [of_production(made) for made in run.productions if made.problem]
    made = Productions(run)
    problems += [of_trial(made, trial) for trial in trials if trial.verdict is Verdict.BROKEN]
    notes += [line for problem in problems for line in problem_lines(problem, width)]
    notes += [_wrapped(line, width) for group in groups_of(trials) for line in _group_notes(run, group)]
    notes += [_wrapped(line, width) for line in unpredicted(trials)]
    return "\n\n".join([*blocks, *(["\n".join(notes)] if notes else []), *rate_block(run, width)])


def _head(run: Run) -> str:
    head = f"{run.scenario}  base {_bases(run)}  registry {run.registry}"
    head += "  fresh snapshot" if run.fresh == "snapshot" else ""
    head += f"  shard {run.shard}" if run.shard else ""
    head += f"  {run.started.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return head + ("" if run.complete else "  (incomplete: trials are missing)")


def _bases(run: Run) -> str:
    """The images that the Dockerfile names after FROM; the run's own base by its source."""
    own = [run.base.source] if run.base and (not run.bases or run.base.reference in run.dockerfile) else []
    named = [item.reference for item in run.bases if run.vary is None or item.reference in run.dockerfile]
    return ", ".join([*own, *named]) or "?"


def _wrapped(text: str, width: int) -> str:
    return "\n".join(printable.filled(text, "    ", first="", width=width))


def _title(variation: str, trials: list[Trial], width: int) -> str:
    if variation == CONTROL:
        return "no change"
    because = "; ".join(dict.fromkeys(trial.because for trial in trials if trial.because))
    title = f"variation {variation}" + (f": {because}" if because else "")
    return textwrap.fill(printable.line(title), width, subsequent_indent="  ")


def _fit(run: Run, trials: list[Trial], width: int) -> str:
    predicted = _has_predictions(run)
    found = [_Row(run, group, predicted=predicted) for group in groups_of(trials)]
    wide = [printable.line(instruction) for instruction in run.instructions]
    narrow = [instruction.replace(" ", "\n", 1) for instruction in wide]
    shortest = [f"step {number}" for number, _ in enumerate(run.instructions, 2)]
    for steps in (wide, narrow):
        text = _grid(steps, found, width, engine=True)
        if text is not None:
            return text
    for steps in (narrow, shortest):
        parts = _grids(steps, found, width)
        if parts is not None:
            return "\n".join(parts)
    return "\n".join(_tall(run, wide, group, width) for group in groups_of(trials))


class _Row:
    """One row, a trial with its repeats; every layout takes its words from here."""

    def __init__(self, run: Run, group: list[Trial], *, predicted: bool) -> None:
        trial = group[0]
        self.engine = engine_word(trial)
        self.names = [printable.line(name) for name in (trial.producer, trial.consumer, self.engine)]
        self.sent = _sent(group)
        self.outcomes = outcome_words(run, group)
        self.predicted = [one_word(prediction(one).value for one in group)] if predicted else []
        self.verdict = one_word(one.verdict.value for one in group)

    def cells(self, steps: int, *, engine: bool) -> list[str]:
        """The words of the columns, with the engine or without."""
        names = self.names if engine else self.names[:2]
        return [*names, self.sent, *self.outcomes[:steps], *self.predicted, self.verdict]


def _grids(steps: list[str], found: list[_Row], width: int) -> list[str] | None:
    """One table for each engine under a heading; None if one is too wide.

    The tables have common columns where these fit. That takes one drawing, and a run may have thousands of engines.
    """
    together = _grid(steps, found, width, engine=False)
    if together is not None:
        return _cut_by_engine(together.split("\n"), found, width)
    parts = []
    for engine, group in groupby(found, key=lambda row: row.engine):
        head = f"engine {printable.line(engine)}"
        text = _grid(steps, list(group), width, engine=False)
        if text is None or len(head) > width:
            return None
        parts.append(f"{head}\n{text}")
    return parts


def _cut_by_engine(lines: list[str], found: list[_Row], width: int) -> list[str] | None:
    """The lines of one table, of which each row is one, as a table for each engine; None if a heading is too wide."""
    top = len(lines) - len(found)
    header, rows = "\n".join(lines[:top]), zip(found, lines[top:], strict=True)
    parts = []
    for engine, group in groupby(rows, key=lambda pair: pair[0].engine):
        head = f"engine {printable.line(engine)}"
        if len(head) > width:
            return None
        parts.append("\n".join([head, header, *(line for _, line in group)]))
    return parts


def _grid(steps: list[str], found: list[_Row], width: int, *, engine: bool) -> str | None:
    """One table; None if it is too wide, which is known before it is drawn where a row alone is too wide."""
    middle, last = ["engine"] if engine else [], ["predicted"] if found[0].predicted else []
    header = ["producer", "consumer", *middle, "context", *steps, *last, "verdict"]
    rows = [row.cells(len(steps), engine=engine) for row in found]
    widths = [max(map(_width, {*cells})) for cells in zip(header, *rows, strict=True)]
    if sum(widths) + GAP * (len(widths) - 1) > width:
        return None
    return tabulate(rows, header, tablefmt="plain", disable_numparse=True)


def _sent(group: list[Trial]) -> str:
    return one_word(sent_word(bytes_sent(trial)) for trial in group)


def _tall(run: Run, steps: list[str], group: list[Trial], width: int) -> str:
    """A trial with its repeats in lines of its own, where its names or its steps are too many for a row."""
    trial = group[0]
    row = f"{trial.producer} > {trial.consumer}  engine {engine_word(trial)}  context {_sent(group)}"
    row += f"  predicted {one_word(prediction(one).value for one in group)}" if _has_predictions(run) else ""
    row += f"  {one_word(one.verdict.value for one in group)}"
    results = zip(steps, outcome_words(run, group), strict=False)
    words = "; ".join(f"{step}: {result}" for step, result in results)
    lines = textwrap.wrap(printable.line(row), width, subsequent_indent="  ")
    return "\n".join([*lines, *textwrap.wrap(words, width, initial_indent="    ", subsequent_indent="    ")])


def _has_predictions(run: Run) -> bool:
    return any(trial.predicted for trial in run.trials)


def _width(text: str) -> int:
    return max((len(line) for line in text.split("\n")), default=0) if "\n" in text else len(text)


def _group_notes(run: Run, group: list[Trial]) -> list[str]:
    """The notes on a trial, each with the number of its repeats for which it holds."""
    counts = Counter(note for trial in group for note in _notes(run, trial))
    name = str(group[0].key.first) if len(group) > 1 else group[0].name
    return [
        f"{name}: {note}" + (f" ({count} of {len(group)} repeats)" if len(group) > 1 else "")
        for note, count in counts.items()
    ]


def _notes(run: Run, trial: Trial) -> list[str]:
    """What the row cannot show: the step that the trial is about, and a prediction that failed."""
    if trial.verdict is Verdict.BROKEN:
        return []
    notes = list(dict.fromkeys(contradictions(trial)))
    notes += [
        f"build {number} of {len(trial.rounds) + 1}: {_words(item.build)}"
        for number, item in enumerate(trial.rounds, 1)
    ]
    notes += [
        f"the image is wrong: {item.path}: {', '.join(item.problems)}" for item in trial.inspections if item.problems
    ]
    found = finding_of(Evidence(run), trial)
    if found and found.step and found.kind is not Kind.CONTRADICTED:
        verb = {Kind.MISS: "missed", Kind.WRONG_HIT: "hit with a wrong result"}.get(found.kind, "hit")
        expected = "" if trial.verdict is Verdict.AS_EXPECTED else ", not expected"
        notes.append(f"{verb} at {found.step.instruction}{expected}")
    return notes


def _words(build: BuildResult) -> str:
    return " ".join(step.outcome.value for step in build.steps)
