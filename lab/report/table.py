"""The table of a run, for a terminal and for table.txt."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import UTC
from itertools import groupby

import tabulate as tabulate_module
from tabulate import tabulate

from lab.model import Outcome, Verdict, ordering
from lab.report import printable
from lab.report.prediction import contradictions, prediction
from lab.results.run import BuildResult, Run, Trial

WIDTH = 100
tabulate_module.MIN_PADDING = 0  # its default of 2 widens every column by its header, and the table past 100


def table(run: Run, width: int = WIDTH) -> str:
    """The run's trials, a row each, by variation; then one line for each that needs words.

    The widest layout that fits `width` columns is taken: instructions on one line, on two, then without the engine
    column (engines become headings), at last some lines a trial.
    """
    head = f"{run.scenario}  base {_bases(run)}  registry {run.registry}"
    head += f"  {run.started.astimezone(UTC):%Y-%m-%d %H:%M} UTC" + (
        "" if run.complete else "  (cut short: not all trials made)"
    )
    blocks = [_wrapped(head, width)]
    for variation, group in groupby(sorted(run.trials, key=order(run)), key=lambda trial: trial.variation):
        trials = list(group)
        title = "nothing varied" if variation == "none" else f"variation {variation}"
        because = "; ".join(dict.fromkeys(trial.because for trial in trials if trial.because))
        title += f": {because}" if because and variation != "none" else ""
        heading = textwrap.fill(printable.line(title), width, subsequent_indent="  ")
        blocks.append(f"{heading}\n{_fit(run, trials, width)}")
    notes = [line for trial in sorted(run.trials, key=order(run)) for line in _notes(trial)]
    broken = [
        printable.lines(f"{made.producer} ({made.engine}) pushed no image: {made.problem}")
        for made in run.productions
        if made.problem
    ]
    if any(_mixed(trial) for trial in run.trials):
        broken.insert(0, "engine P>C: the producer's, then the consumer's")
    if notes or broken:
        blocks.append("\n".join([*broken, *(_wrapped(note, width) for note in notes)]))
    return "\n\n".join(blocks)


def _bases(run: Run) -> str:
    """The images that the Dockerfile names after FROM; the run's own base by where it is from."""
    own = [run.base.source] if run.base and (not run.bases or run.base.reference in run.dockerfile) else []
    return ", ".join([*own, *(item.reference for item in run.bases)]) or "?"


def _wrapped(text: str, width: int) -> str:
    """A line of text in as many lines as it needs, names left whole so that they can be copied."""
    return textwrap.fill(
        printable.line(text), width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


def step_word(build: BuildResult | None, number: int) -> str:
    """One cell: the outcome's word."""
    return build.steps[number].outcome.value if build and number < len(build.steps) else Outcome.UNKNOWN.value


def engine_word(trial: Trial) -> str:
    """The trial's engine; `P>C` where the producer's is another one."""
    return f"{trial.producer_engine}>{trial.engine}" if _mixed(trial) else trial.engine


def _mixed(trial: Trial) -> bool:
    return trial.producer_engine not in (None, trial.engine)


def order(run: Run) -> Callable[[Trial], tuple[object, ...]]:
    """The key that puts trials in order: variations as they were made, engines by version, then boxes."""
    place = ordering(trial.key for trial in run.trials)
    return lambda trial: place(trial.key)


def _fit(run: Run, trials: list[Trial], width: int) -> str:
    wide = [printable.line(instruction) for instruction in run.instructions]
    narrow = [instruction.replace(" ", "\n", 1) for instruction in wide]
    shortest = [f"step {number}" for number, _ in enumerate(run.instructions, 2)]
    guessed = any(trial.predicted for trial in run.trials)
    text = ""
    for steps in (wide, narrow):
        text = _grid(steps, trials, engine=True, guessed=guessed)
        if _width(text) <= width:
            return text
    for steps in (narrow, shortest):
        parts = []
        for engine, group in groupby(trials, key=engine_word):
            parts.append(
                f"engine {printable.line(engine)}\n" + _grid(steps, list(group), engine=False, guessed=guessed)
            )
        text = "\n".join(parts)
        if _width(text) <= width:
            return text
    return "\n".join(_tall(wide, trial, width, guessed=guessed) for trial in trials)


def _grid(steps: list[str], trials: list[Trial], *, engine: bool, guessed: bool) -> str:
    middle, last = ["engine"] if engine else [], ["predicted"] if guessed else []
    header = ["producer", "consumer", *middle, "context", *steps, *last, "verdict"]
    rows = []
    for trial in trials:
        cells = [step_word(trial.build, number) for number, _ in enumerate(steps)]
        cells += [prediction(trial).value] if guessed else []
        names = [trial.producer, trial.consumer, *([engine_word(trial)] if engine else [])]
        rows.append([*map(printable.line, names), _sent(trial), *cells, trial.verdict.value])
    return tabulate(rows, header, tablefmt="plain", disable_numparse=True)


def _tall(steps: list[str], trial: Trial, width: int, *, guessed: bool) -> str:
    """A trial in lines of its own, where its names or its steps are too many for a row."""
    row = f"{trial.producer} > {trial.consumer}  engine {engine_word(trial)}  context {_sent(trial)}"
    row += f"  predicted {prediction(trial).value}" if guessed else ""
    row += f"  {trial.verdict.value}"
    words = "; ".join(f"{step}: {step_word(trial.build, number)}" for number, step in enumerate(steps))
    lines = textwrap.wrap(printable.line(row), width, subsequent_indent="  ")
    return "\n".join([*lines, *textwrap.wrap(words, width, initial_indent="    ", subsequent_indent="    ")])


def _sent(trial: Trial) -> str:
    sent = trial.build.context_bytes if trial.build else None
    return "?" if sent is None else f"{sent}B"


def _width(text: str) -> int:
    return max(len(line) for line in text.splitlines())


def _notes(trial: Trial) -> list[str]:
    """What the row cannot say: the first step that ran, what went wrong, and where a prediction did."""
    if trial.verdict is Verdict.BROKEN:
        problem = printable.lines(trial.problem or "not known why").split("\n")
        return [f"{trial.name}: {problem[0]}", *(f"  | {line}" for line in problem[1:])]
    notes = [f"{trial.name}: {line}" for line in contradictions(trial)]
    ran = [step for step in trial.build.steps if step.outcome is Outcome.RAN] if trial.build else []
    if ran:
        expected = "" if trial.verdict is Verdict.AS_EXPECTED else ", not expected"
        notes.append(f"{trial.name}: missed at {ran[0].instruction}{expected}")
    return notes
