"""Explanations as text for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import tabulate as tabulate_module
from tabulate import tabulate

from lab.explain.engines import EngineLine
from lab.explain.explanation import Explanation, Role, StepCause
from lab.explain.side_by_side import Row
from lab.explain.upstream import Upstream
from lab.model import Outcome
from lab.report import printable
from lab.report.printable import line

WIDTH = 100  # columns
Filled = Callable[..., list[str]]
tabulate_module.MIN_PADDING = 0  # the default widens a column by 2 for its header
HEADERS = [1, 18, 17, 20, 20, 14]  # with two blanks between columns, at most WIDTH
GAPS = 11  # the first column, and two blanks between any two
WORDS = {
    Role.HIT: "hit",
    Role.CAUSE: "ran: the cause",
    Role.CONSEQUENCE: "ran: a consequence",
    Role.NOT_HELD: "ran: the cache holds no layer of it",
    Role.UNKNOWN: "unknown",
}


def explanation_text(explanation: Explanation, against: Sequence[str] = (), width: int = WIDTH) -> str:
    """One trial: a line for each step, then the evidence of the cause; `against` lists contradicted predictions."""
    filled = partial(printable.filled, width=width)
    lines = [line(explanation.trial)]
    for item in against:
        lines += filled(f"CONTRADICTED: {item}", "    ", first="  ")
    for step in explanation.steps:
        lines += filled(f"{step.instruction}  {WORDS[step.role]}", "  ")
        if step.role is not Role.HIT:
            lines += filled(step.sentence, "    ")
        lines += _below(step, filled)
    return "\n".join(lines)


def _below(step: StepCause, filled: Filled) -> list[str]:
    lines = [text for item in step.evidence for text in filled(item, "      ", first="    - ")]
    if step.fixed:
        lines += filled(f"fixed in {step.fixed}", "      ", first="    - ")
    if step.issue:
        still = "" if step.fixed else ", not fixed in any version known here"
        lines += filled(f"upstream: {step.issue}{still}", "      ", first="    - ")
    if step.advice:
        lines += filled(f"what to do: {step.advice}", "      ", first="    - ")
    return lines


def engines_text(lines: Sequence[EngineLine], width: int = WIDTH) -> str:
    """One line for each rule set: the versions with which the step hits or runs."""
    rows: list[str] = []
    filled = partial(printable.filled, width=width)
    longest = max((len(item.rules) for item in lines), default=0)
    for item in lines:
        word = {Outcome.HIT: "hit", Outcome.RAN: "runs", Outcome.UNKNOWN: "unknown"}[item.outcome]
        what = f"{item.step} {word}" if item.step else "all COPYs hit" if item.outcome is Outcome.HIT else "all run"
        why = f" ({item.why})" if item.why else ""
        text = f"{item.rules:<{longest}}  {what}{why}: Docker {', '.join(item.versions)}"
        rows += filled(text, " " * (longest + 4), first="  ")
    return "\n".join(rows)


def exceptions_text(upstream: Upstream, width: int = WIDTH) -> str:
    """Versions in which no step can hit, as text; empty if none is known."""
    filled = partial(printable.filled, width=width)
    bugs = [bug for bug in upstream.bugs if bug.effects == "no step hits"]
    lines: list[str] = []
    for bug in bugs:
        spans = ", ".join(f"{item.first or 'the first'} to {item.last or 'the last'}" for item in bug.docker)
        lines += filled(f"Docker {spans}: {bug.summary}, so all run ({bug.url})", "  ", first="")
    return "\n".join(lines)


def sides_text(names: tuple[str, str], rows: Sequence[Row], rule_sets: int, width: int = WIDTH) -> str:
    """Fields side by side; a star marks those that differ, the last column names the rule sets that hash them."""
    if not rows:
        return f"nothing differs between {line(names[0])} and {line(names[1])}"
    cells = [
        [
            "*" if row.differs else "",
            line(row.path),
            line(row.field),
            line(row.first),
            line(row.second),
            "" if not row.differs else "all" if len(row.rules) == rule_sets > 1 else " ".join(row.rules) or "none",
        ]
        for row in rows
    ]
    header = ["", "path", "field", *map(line, names), "hashed under"]
    heads = [1, *(size * (width - GAPS) // (WIDTH - GAPS) for size in HEADERS[1:])]
    cols: list[int | None] = [None, *heads[1:]]
    return tabulate(cells, header, tablefmt="plain", disable_numparse=True, maxcolwidths=cols, maxheadercolwidths=heads)
