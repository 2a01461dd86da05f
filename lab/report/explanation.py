"""Explanations as text for a terminal, at most 100 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

import tabulate as tabulate_module
from tabulate import tabulate

from lab.explain.engines import EngineLine
from lab.explain.explanation import Explanation, Role, StepCause
from lab.explain.side_by_side import Row
from lab.explain.upstream import Upstream
from lab.model import Outcome
from lab.report.printable import line

WIDTH = 100
tabulate_module.MIN_PADDING = 0  # the default widens a column by 2 for its header
HEADERS = [1, 18, 17, 20, 20, 14]  # with two blanks between columns, at most WIDTH
COLUMNS: list[int | None] = [None, *HEADERS[1:]]
WORDS = {
    Role.HIT: "hit",
    Role.CAUSE: "ran: the cause",
    Role.CONSEQUENCE: "ran: a consequence",
    Role.UNKNOWN: "unknown",
}


def explanation_text(explanation: Explanation, against: Sequence[str] = ()) -> str:
    """One trial: a line for each step, then the evidence of the cause; `against` lists contradicted predictions."""
    lines = [line(explanation.trial)]
    for item in against:
        lines += _filled(f"CONTRADICTED: {item}", "    ", first="  ")
    for step in explanation.steps:
        lines += _filled(f"{step.instruction}  {WORDS[step.role]}", "  ")
        if step.role is not Role.HIT:
            lines += _filled(step.sentence, "    ")
        lines += _below(step)
    return "\n".join(lines)


def _below(step: StepCause) -> list[str]:
    lines = [text for item in step.evidence for text in _filled(item, "      ", first="    - ")]
    if step.fixed:
        lines += _filled(f"fixed in {step.fixed}", "      ", first="    - ")
    if step.issue:
        still = "" if step.fixed else ", not fixed in any version known here"
        lines += _filled(f"upstream: {step.issue}{still}", "      ", first="    - ")
    if step.advice:
        lines += _filled(f"what to do: {step.advice}", "      ", first="    - ")
    return lines


def engines_text(lines: Sequence[EngineLine]) -> str:
    """One line for each rule set: the versions with which the step hits or runs."""
    rows: list[str] = []
    width = max((len(item.rules) for item in lines), default=0)
    for item in lines:
        word = {Outcome.HIT: "hit", Outcome.RAN: "runs", Outcome.UNKNOWN: "unknown"}[item.outcome]
        what = f"{item.step} {word}" if item.step else "all COPYs hit" if item.outcome is Outcome.HIT else "all run"
        why = f" ({item.why})" if item.why else ""
        text = f"{item.rules:<{width}}  {what}{why}: Docker {', '.join(item.versions)}"
        rows += _filled(text, " " * (width + 4), first="  ")
    return "\n".join(rows)


def exceptions_text(upstream: Upstream) -> str:
    """Versions in which no step can hit, as text; empty if none is known."""
    bugs = [bug for bug in upstream.bugs if bug.effects == "no step hits"]
    lines: list[str] = []
    for bug in bugs:
        spans = ", ".join(f"{item.first or 'the first'} to {item.last or 'the last'}" for item in bug.docker)
        lines += _filled(f"Docker {spans}: {bug.summary}, so all run ({bug.url})", "  ", first="")
    return "\n".join(lines)


def sides_text(names: tuple[str, str], rows: Sequence[Row], rule_sets: int) -> str:
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
            "" if not row.differs else "all" if len(row.rules) == rule_sets else " ".join(row.rules) or "none",
        ]
        for row in rows
    ]
    header = ["", "path", "field", *map(line, names), "hashed under"]
    return tabulate(
        cells, header, tablefmt="plain", disable_numparse=True, maxcolwidths=COLUMNS, maxheadercolwidths=HEADERS
    )


def _filled(text: str, indent: str, *, first: str | None = None) -> Iterable[str]:
    return textwrap.wrap(
        line(text),
        WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
