"""A predicted build as rows of a table, as sentences, and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from lab.counting import counted
from lab.explain.costs import Cost
from lab.explain.outlook import Outlook
from lab.explain.question import Question
from lab.explain.why import Answer
from lab.model import Outcome
from lab.registry.found import FoundCache
from lab.report import markup, published
from lab.report.why import caches, dependence, label, reason

WORDS = {Outcome.HIT: "hit", Outcome.RAN: "run", Outcome.UNKNOWN: "unknown"}
MOST = 200  # rows of a table in Markdown


def rows(found: Outlook) -> list[list[str]]:
    """A row for each step, with the columns of `heads`."""
    shown = _with_sources(found)
    return [
        [
            str(item.place),
            item.instruction,
            WORDS[item.outcome],
            _seconds(cost),
            *([cost.source if cost else ""] if shown else []),
            _why(item, found),
        ]
        for item, cost in zip(found.steps, found.costs, strict=True)
    ]


def heads(found: Outlook) -> list[str]:
    """The header of `rows`; a column names the source of each time where there are several."""
    return ["step", "instruction", "outcome", "seconds", *(["source"] if _with_sources(found) else []), "why"]


def _with_sources(found: Outlook) -> bool:
    return len({cost.source for cost in found.costs if cost}) > 1


def _why(item: Answer, found: Outlook) -> str:
    """The reason in few words: a consequence names only the number of the step on which it depends."""
    if item.outcome is Outcome.HIT:
        return ""
    return dependence(item, found.diagnosis) or reason(item)


def sentences(found: Outlook, *, brief: bool = False) -> list[str]:
    """How many steps would hit, the cause of the misses, and the seconds at stake; only the first if `brief`."""
    steps = found.steps
    if not steps:
        return ["the Dockerfile has no step that is looked up in a cache"]
    counts = {outcome: len(found.diagnosis.of(outcome)) for outcome in WORDS}
    words = [f"{counts[Outcome.HIT]} of {counted(len(steps), 'step')} would hit ({found.hit_percent:.0f} %)"]
    words += [f"{counts[Outcome.RAN]} would run"] if counts[Outcome.RAN] else []
    if unknown := counts[Outcome.UNKNOWN]:
        words.append(f"{unknown} {'is' if unknown == 1 else 'are'} not known")
    lines = [", ".join(words)]
    if brief:
        return lines
    if found.diagnosis.cause is not None:
        cause = steps[found.diagnosis.cause]
        lines.append(f"the cause is {label(cause)}: {reason(cause)}")
    return lines + [line for outcome in (Outcome.RAN, Outcome.UNKNOWN) if (line := _stake(found, outcome))]


def summary(sources: Sequence[FoundCache], question: Question, found: Outlook) -> str:
    """The prediction as Markdown, for a job's summary or a comment."""
    names = ", ".join(published.code(source.name) for source in sources)
    first, *others = sentences(found)
    facts = [*others, *caches(sources, question), *found.diagnosis.remarks]
    columns = heads(found)
    table = markup.table(
        columns,
        [[_cell(head, text) for head, text in zip(columns, row, strict=True)] for row in rows(found)[:MOST]],
    )
    left = len(found.steps) - MOST
    parts = [
        f"### Docker build cache, predicted: {published.prose(first)}",
        f"{names}, {published.prose(question.engine.title)}",
        "\n".join(f"- {published.prose(fact)}" for fact in facts),
        *([table] if found.steps else []),
        *([f"{counted(left, 'more step')} are left out."] if left > 0 else []),
    ]
    return "\n\n".join(part for part in parts if part)


def _cell(head: str, text: str) -> str:
    return published.cell(text) if head == "instruction" else published.prose(text)


def _seconds(cost: Cost | None) -> str:
    return "" if cost is None else f"{'<= ' if cost.at_most else ''}{cost.seconds:.1f}"


def _stake(found: Outlook, outcome: Outcome) -> str:
    """A sentence on the seconds of the steps with an outcome; empty without such steps."""
    steps = found.diagnosis.of(outcome)
    if not steps:
        return ""
    chosen = [cost for item, cost in zip(found.steps, found.costs, strict=True) if item.outcome is outcome and cost]
    who = "steps that would run" if outcome is Outcome.RAN else "steps that are not known"
    if not chosen:
        return f"no source has a time for the {who}: --times names a log of an earlier build"
    sources = ", ".join(dict.fromkeys(cost.source for cost in chosen))
    bound = ", an upper bound" if any(cost.at_most for cost in chosen) else ""
    missing = found.untimed(outcome)
    rest = f"; no source has a time for {missing} of the {len(steps)}" if missing else ""
    return f"the {who} take {found.seconds(outcome):.1f} s by {sources}{bound}{rest}"
