"""The truth table in Markdown: for every variation and engine, the prediction and what the real engine did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC

from lab.counting import counted
from lab.model import CONTROL, Outcome
from lab.report import markup
from lab.report.prediction import COMPARABLE, contradicts
from lab.report.trials import in_order
from lab.results.run import Run, Trial
from lab.versions import OTHER_RULES, natural

HEAD = """\
# What makes a COPY miss: predicted and observed

`make truth` writes this file. Each cell is one trial: a real engine builds an image with inline cache and pushes it.
Then one thing in the same context changes, and after a prune the same engine builds that context with `--cache-from`.
Before each build, lab predicts the outcome of every step from the pushed image's cache records, the files' metadata and
content, and the rules of the engine's BuildKit ([how](explaining.md)).

`hit` and `ran` are what the COPY was predicted to do *and* did. A cell names both outcomes where prediction and engine
disagree, and says `not predicted` where no prediction was possible.
"""
CHANGED_ENGINES = """\
An engine whose name ends in `-as-R1` and the like is a BuildKit in whose source a few texts were replaced, so that it
hashes by that rule set (`boxes/engines/NAME.yaml`). It checks lab's model of the rule set by a real solver. It is no
version of BuildKit, and proves nothing about one: which versions obey a rule set is known from their own packages and
source."""
RULE_SETS = """\
## Rule sets

The last column has the variations in which the engines of this rule set did not do the same as those of the rule set
above it. If it is empty, no variation of this page separates the two. R3 and R4 differ only in how a malformed pattern
fails, and no build that succeeds can show that."""


def truth_table(runs: Sequence[Run], summary: Callable[[Run, str], str]) -> str:
    """All runs as one document, one table for each; `summary` describes in one line what a variation changes."""
    parts = [HEAD, _count(runs), _engines(runs)]
    if any(OTHER_RULES.fullmatch(trial.engine) for run in runs for trial in run.trials):
        parts.append(CHANGED_ENGINES)
    parts += [RULE_SETS, _rule_sets(runs)]
    parts += [_table(run, summary) for run in runs]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _count(runs: Iterable[Run]) -> str:
    trials = [trial for run in runs for trial in run.trials]
    changes = {(trial.name.rpartition("/")[2]) for trial in trials if trial.variation != CONTROL}
    pairs = [pair for trial in trials for pair in _pairs(trial)]
    right = sum(said is seen for said, seen in pairs if said in COMPARABLE and seen in COMPARABLE)
    wrong = sum(contradicts(said, seen) for said, seen in pairs)
    open_ = len(pairs) - right - wrong
    return (
        f"{counted(len(changes), 'variation')}, {counted(len(trials), 'trial')}, {counted(len(pairs), 'step')}: "
        f"**{right} went as predicted, {wrong} did not**, {open_} could not be predicted or read."
    )


def _pairs(trial: Trial) -> list[tuple[Outcome, Outcome]]:
    if trial.build is None:
        return [(Outcome.UNKNOWN, Outcome.UNKNOWN)]
    predicted = trial.predicted or tuple(Outcome.UNKNOWN for _ in trial.build.steps)
    return [(said, step.outcome) for said, step in zip(predicted, trial.build.steps, strict=True)]


def _engines(runs: Sequence[Run]) -> str:
    rows = ["| engine | server | client | rules | kernel | storage |", "| --- | --- | --- | --- | --- | --- |"]
    known = {box.engine: box for run in runs for box in run.boxes}
    for name, box in sorted(known.items(), key=lambda item: natural(item[0])):
        client = f"buildx {box.buildx}" if box.buildx else box.client
        cells = (name, box.server, client, box.rules or "by version", box.kernel, box.storage)
        rows.append("| " + " | ".join(markup.prose(cell) for cell in cells) + " |")
    return "\n".join(rows)


def _rule_sets(runs: Sequence[Run]) -> str:
    """Each rule set with the engines that obey it and what separates it from the one before."""
    obeyed = {box.engine: box.rules for run in runs for box in run.boxes if box.rules}
    rows: list[list[str]] = []
    before: str | None = None
    for rules in sorted(set(obeyed.values()), key=natural):
        engines = sorted((name for name, other in obeyed.items() if other == rules), key=natural)
        differing = [] if before is None else _separating(runs, obeyed, before, rules)
        rows.append([rules, ", ".join(map(markup.prose, engines)), ", ".join(map(markup.code, differing))])
        before = before if before and "," in rules else rules  # "R5, all attributes" is no step from R5 to R6
    return markup.table(["rules", "engines", "what separates them"], rows)


def _separating(runs: Sequence[Run], obeyed: Mapping[str, str], first: str, second: str) -> list[str]:
    """The variations, as scenario:variation, in which all engines of one rule set did other than all of the other."""
    found: list[str] = []
    for run in runs:
        for variation in dict.fromkeys(trial.variation for trial in in_order(run)):
            ours, theirs = (
                {
                    _seen(trial)
                    for trial in run.trials
                    if trial.variation == variation and obeyed.get(trial.engine) == rules
                }
                for rules in (first, second)
            )
            if ours and theirs and ours.isdisjoint(theirs):
                found.append(f"{run.scenario}:{variation}")
    return found


def _seen(trial: Trial) -> tuple[Outcome, ...]:
    return tuple(seen for _, seen in _pairs(trial))


def _table(run: Run, summary: Callable[[Run, str], str]) -> str:
    engines = sorted({trial.engine for trial in run.trials}, key=natural)
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
    for variation in dict.fromkeys(trial.variation for trial in in_order(run)):
        cells = {trial.engine: _cell(trial, steps) for trial in run.trials if trial.variation == variation}
        what = "nothing" if variation == CONTROL else summary(run, variation)
        row = [markup.code(variation), markup.prose(what), *(cells.get(engine, "not run") for engine in engines)]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def _cell(trial: Trial, steps: Sequence[int]) -> str:
    pairs = _pairs(trial)
    wrong = [f"{said.value} predicted, {seen.value}" for said, seen in pairs if contradicts(said, seen)]
    if wrong:
        return f"**{', '.join(wrong)}**"
    words = []
    for said, seen in (pairs[number] for number in steps if number < len(pairs)):
        word = f"**{seen.value}**" if seen is Outcome.RAN else seen.value
        words.append(word if said is seen else f"{word} (not predicted)")
    return ", ".join(words) or "broken"
