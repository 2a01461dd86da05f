"""A diagnosis of a build as Markdown without secrets: a comment for a pull request, or the summary of a CI job."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lab.counting import counted
from lab.explain.question import Question
from lab.explain.why import Answer, Diagnosis
from lab.model import Outcome
from lab.registry.found import FoundCache
from lab.report import markup, printable, published
from lab.report.why import WORDS, caches, dependence, files, label, reason, title
from lab.report.workflow import Annotation

MOST = 200  # steps of a table; a comment on GitHub has at most 65,536 characters
LONGEST = 160  # characters of an instruction


def comment(sources: Sequence[FoundCache], question: Question, diagnosis: Diagnosis, *, assumed: bool) -> str:
    """The cause, a table of the steps, and the evidence folded away."""
    engine = question.engine.title + (", the newest that lab knows" if assumed else "")
    names = ", ".join(published.code(source.name) for source in sources)
    head = f"{names} built with {published.prose(engine)} (rules {question.engine.rules.name})"
    facts = [*caches(sources, question), *diagnosis.remarks]
    parts = [
        f"### Docker build cache: {published.prose(_short(diagnosis))}",
        *_cause(diagnosis),
        f"{head}\n\n{_points(facts)}" if facts else head,
    ]
    if diagnosis.steps:
        parts.append(_table(diagnosis))
    evidence = [part for item in diagnosis.steps if (part := _evidence(item))]
    if evidence:
        parts.append("<details><summary>Evidence</summary>\n\n" + "\n\n".join(evidence) + "\n\n</details>")
    return "\n\n".join(parts)


def warnings_of(diagnosis: Diagnosis, dockerfile: str) -> list[Annotation]:
    """A warning at the line of the cause, and at each other step whose own key differs; a notice for an unknown one."""
    found = []
    for number, item in enumerate(diagnosis.steps):
        if number == diagnosis.cause:
            count = item.dependents
            more = f"; {count} more step{'s' * (count > 1)} would run because of it" if count else ""
            level, head, why = "warning", "cache miss", f"{reason(item)}{more}"
        elif item.outcome is Outcome.RAN and item.lost is None:
            level, head, why = "warning", "cache miss", reason(item)
        elif item.outcome is Outcome.UNKNOWN:
            level, head, why = "notice", "cache not known", item.sentence
        else:
            continue
        text = published.hidden(f"{label(item)}: {why}")
        found.append(Annotation(level, text, head, dockerfile, item.place.line))
    return found


def _short(diagnosis: Diagnosis) -> str:
    return title(Diagnosis(diagnosis.steps))


def _cause(diagnosis: Diagnosis) -> list[str]:
    if diagnosis.cause is None:
        return []
    item = diagnosis.steps[diagnosis.cause]
    line = f", line {item.place.line}" if item.place.line else ""
    place = published.prose(f"{item.place}{line}".strip(", "))
    return [f"**Cause:** {published.code(_cut(item.instruction))} ({place}): {published.prose(reason(item))}."]


def _points(lines: Sequence[str]) -> str:
    return "\n".join(f"- {published.prose(line)}" for line in lines)


def _table(diagnosis: Diagnosis) -> str:
    rows = []
    for item in diagnosis.steps[:MOST]:
        why = "" if item.outcome is Outcome.HIT else published.prose(dependence(item, diagnosis) or reason(item))
        rows.append(
            [published.prose(str(item.place)), published.cell(_cut(item.instruction)), WORDS[item.outcome], why]
        )
    text = markup.table(["step", "instruction", "outcome", "why"], rows)
    left = len(diagnosis.steps) - len(rows)
    return text + (f"\n\n{counted(left, 'more step')} are left out." if left else "")


def _evidence(item: Answer) -> str:
    if item.outcome is Outcome.HIT:
        return ""
    lines = files(item, partial(printable.filled, width=10_000))
    if not lines:
        return ""
    return f"{published.code(_cut(label(item)))}\n\n" + _points([line.strip().removeprefix("- ") for line in lines])


def _cut(text: str) -> str:
    text = published.hidden(text)  # what is left of a secret may not look like one
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
