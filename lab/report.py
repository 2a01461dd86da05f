"""A run as text: the terminal's table, at most 100 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import UTC
from itertools import groupby

import tabulate as tabulate_module
from tabulate import tabulate

from lab.model import Outcome, Verdict
from lab.results import BuildResult, Run, Trial

WIDTH = 100
tabulate_module.MIN_PADDING = 0  # its default of 2 widens every column by its header, and the table past 100


def table(run: Run) -> str:
    """The run's trials, a row each, by variation; then one line for each that needs words.

    The widest layout that fits 100 columns is taken: instructions on one line, on two, then without the engine
    column (engines become headings), at last some lines a trial.
    """
    head = [f"{run.scenario}  base {run.base.source if run.base else '?'}  registry {run.registry}"]
    head[0] += f"  {run.started.astimezone(UTC):%Y-%m-%d %H:%M} UTC" + (
        "" if run.complete else "  (cut short: not all trials made)"
    )
    blocks = ["\n".join(head)]
    for variation, group in groupby(sorted(run.trials, key=_order(run)), key=lambda trial: trial.variation):
        trials = list(group)
        title = "nothing varied" if variation == "none" else f"variation {variation}"
        because = "; ".join(dict.fromkeys(trial.because for trial in trials if trial.because))
        title += f": {because}" if because and variation != "none" else ""
        blocks.append(textwrap.fill(title, WIDTH, subsequent_indent="  ") + "\n" + _fit(run, trials))
    notes = [line for trial in sorted(run.trials, key=_order(run)) for line in _notes(trial)]
    broken = [
        f"{made.producer} ({made.engine}) pushed no image: {made.problem}" for made in run.productions if made.problem
    ]
    if notes or broken:
        blocks.append("\n".join([*broken, *notes]))
    return "\n\n".join(blocks)


def step_word(build: BuildResult | None, number: int) -> str:
    """One cell: the outcome's word."""
    return build.steps[number].outcome.value if build and number < len(build.steps) else Outcome.UNKNOWN.value


def _order(run: Run) -> Callable[[Trial], tuple[int, str, str, str]]:
    seen = {name: number for number, name in enumerate(dict.fromkeys(trial.variation for trial in run.trials))}
    return lambda trial: (seen[trial.variation], trial.engine, trial.producer, trial.consumer)


def _fit(run: Run, trials: list[Trial]) -> str:
    wide = list(run.instructions)
    narrow = [instruction.replace(" ", "\n", 1) for instruction in run.instructions]
    shortest = [f"step {number}" for number, _ in enumerate(run.instructions, 2)]
    text = ""
    for steps in (wide, narrow):
        text = _grid(steps, trials, engine=True)
        if _width(text) <= WIDTH:
            return text
    for steps in (narrow, shortest):
        parts = []
        for engine, group in groupby(trials, key=lambda trial: trial.engine):
            parts.append(f"engine {engine}\n" + _grid(steps, list(group), engine=False))
        text = "\n".join(parts)
        if _width(text) <= WIDTH:
            return text
    return "\n".join(_tall(wide, trial) for trial in trials)


def _grid(steps: list[str], trials: list[Trial], *, engine: bool) -> str:
    header = ["producer", "consumer", *(["engine"] if engine else []), "context", *steps, "verdict"]
    rows = []
    for trial in trials:
        cells = [step_word(trial.build, number) for number, _ in enumerate(steps)]
        middle = [trial.engine] if engine else []
        rows.append([trial.producer, trial.consumer, *middle, _sent(trial), *cells, trial.verdict.value])
    return tabulate(rows, header, tablefmt="plain", disable_numparse=True)


def _tall(steps: list[str], trial: Trial) -> str:
    """A trial in lines of its own, where its names or its steps are too many for a row."""
    row = f"{trial.producer} > {trial.consumer}  engine {trial.engine}  context {_sent(trial)}  {trial.verdict.value}"
    words = "; ".join(f"{step}: {step_word(trial.build, number)}" for number, step in enumerate(steps))
    lines = textwrap.wrap(row, WIDTH, subsequent_indent="  ")
    return "\n".join([*lines, *textwrap.wrap(words, WIDTH, initial_indent="    ", subsequent_indent="    ")])


def _sent(trial: Trial) -> str:
    sent = trial.build.context_bytes if trial.build else None
    return "?" if sent is None else f"{sent}B"


def _width(text: str) -> int:
    return max(len(line) for line in text.splitlines())


def _notes(trial: Trial) -> list[str]:
    """What the row cannot say: the first step that ran, and what went wrong."""
    if trial.verdict is Verdict.BROKEN:
        problem = (trial.problem or "not known why").splitlines()
        return [f"{trial.name}: {problem[0]}", *(f"  | {line}" for line in problem[1:])]
    ran = [step for step in trial.build.steps if step.outcome is Outcome.RAN] if trial.build else []
    if not ran:
        return []
    expected = "" if trial.verdict is Verdict.AS_EXPECTED else ", not expected"
    return [f"{trial.name}: busted at {ran[0].instruction}{expected}"]
