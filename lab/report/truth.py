"""The truth table: what was predicted of every variation on every engine, and what real engines then did; Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC

from lab.model import CONTROL, Outcome
from lab.report import markup
from lab.report.prediction import SAYS, contradicts
from lab.results.run import Run, Trial

HEAD = """\
# What makes a COPY miss: predicted and observed

Made by `make truth`, not by hand. Each cell is one trial: an image was built with inline cache and pushed by a real
engine; then the same context, in which one thing was changed, was built with `--cache-from` by the same engine after a
prune. Without a look at what came of it, the outcome of every step was predicted from the pushed image's cache records,
the files' metadata and content, and the rules of the engine's BuildKit ([how](explaining.md)).

`hit` and `ran` say what the COPY was predicted to do *and* did. Where a prediction and an engine disagree, or nothing
could be predicted, the cell says so.
"""


def truth_table(runs: Sequence[Run], summary: Callable[[Run, str], str]) -> str:
    """All runs as one document, a table each; `summary` says in a line what a variation of a run changes."""
    parts = [HEAD, _count(runs), _engines(runs)]
    parts += [_table(run, summary) for run in runs]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _count(runs: Iterable[Run]) -> str:
    trials = [trial for run in runs for trial in run.trials]
    changes = {(trial.name.rpartition("/")[2]) for trial in trials if trial.variation != CONTROL}
    pairs = [pair for trial in trials for pair in _pairs(trial)]
    right = sum(guess is seen for guess, seen in pairs if guess in SAYS and seen in SAYS)
    wrong = sum(contradicts(guess, seen) for guess, seen in pairs)
    open_ = len(pairs) - right - wrong
    return (
        f"{len(changes)} variations, {len(trials)} trials, {len(pairs)} steps: **{right} went as predicted, {wrong} "
        f"did not**, of {open_} nothing could be said."
    )


def _pairs(trial: Trial) -> list[tuple[Outcome, Outcome]]:
    if trial.build is None:
        return [(Outcome.UNKNOWN, Outcome.UNKNOWN)]
    guesses = trial.predicted or tuple(Outcome.UNKNOWN for _ in trial.build.steps)
    return [(guess, step.outcome) for guess, step in zip(guesses, trial.build.steps, strict=True)]


def _engines(runs: Sequence[Run]) -> str:
    rows = ["| engine | Docker | client | rules | kernel | storage |", "| --- | --- | --- | --- | --- | --- |"]
    known = {box.engine: box for run in runs for box in run.boxes}
    for name, box in sorted(known.items(), key=lambda item: _order(item[0])):
        client = f"buildx {box.buildx}" if box.buildx else box.client
        cells = (name, box.server, client, box.rules or "by version", box.kernel, box.storage)
        rows.append("| " + " | ".join(markup.prose(cell) for cell in cells) + " |")
    return "\n".join(rows)


def _table(run: Run, summary: Callable[[Run, str], str]) -> str:
    engines = sorted({trial.engine for trial in run.trials}, key=_order)
    steps = [number for number, text in enumerate(run.instructions) if text.startswith(("COPY", "ADD"))]
    copies = ", ".join(markup.code(run.instructions[number]) for number in steps)
    lines = [
        f"## {copies}",
        "",
        f"Run {markup.code(run.name)} of {run.started.astimezone(UTC):%Y-%m-%d}: {run.summary}.",
        "",
        "| variation | what differs | " + " | ".join(engines) + " |",
        "| --- | --- | " + " | ".join("---" for _ in engines) + " |",
    ]
    for variation in dict.fromkeys(trial.variation for trial in run.trials):
        cells = {trial.engine: _cell(trial, steps) for trial in run.trials if trial.variation == variation}
        what = "nothing" if variation == CONTROL else summary(run, variation)
        row = [markup.code(variation), markup.prose(what), *(cells.get(engine, "not run") for engine in engines)]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def _cell(trial: Trial, steps: Sequence[int]) -> str:
    pairs = _pairs(trial)
    if any(contradicts(guess, seen) for guess, seen in pairs):
        told = ", ".join(f"{guess.value} predicted, {seen.value}" for guess, seen in pairs if contradicts(guess, seen))
        return f"**{told}**"
    words = []
    for guess, seen in (pairs[number] for number in steps if number < len(pairs)):
        word = f"**{seen.value}**" if seen is Outcome.RAN else seen.value
        words.append(word if guess is seen else f"{word} (not predicted)")
    return ", ".join(words) or "broken"


def _order(engine: str) -> tuple[list[int], str]:
    numbers = [int(part) for part in engine.partition("-")[0].split(".") if part.isdigit()]
    return numbers, engine
