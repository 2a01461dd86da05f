"""The top of the page: the first finding in one sentence, then how the trials went, then all findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.counting import counted
from lab.model import CONTROL, Verdict
from lab.report import findings
from lab.report.evidence import Evidence
from lab.report.findings import Kind
from lab.report.page.trial import View
from lab.results.run import Run
from lab.versions import titled

MOST_FINDINGS = 12
MOST_LINKS = 6
INCOMPLETE = "The run is incomplete: not all trials were made."


@dataclass(frozen=True, slots=True)
class Card:
    """One finding: the step, what happened, why, what to do, and the first few trials to look at."""

    look: str
    step: str
    what: str
    why: str
    advice: str
    unexpected: bool
    trials: tuple[View, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Count:
    """How many trials ended in one way."""

    word: str
    look: str
    count: int


@dataclass(frozen=True, slots=True)
class Lead:
    """The top of the page: `step` and `sentence` are the title, `result` says how the trials went.

    `more` counts findings that are left out.
    """

    step: str
    sentence: str
    result: str
    counts: tuple[Count, ...]
    cards: tuple[Card, ...]
    more: int


def lead(evidence: Evidence, views: Sequence[View]) -> Lead:
    """The title, the number of trials of each kind, and the findings."""
    found = findings.findings(evidence)
    by_trial = {id(view.trial): view for view in views}
    counts: dict[tuple[str, str], int] = {}
    for verdict in Verdict:
        for view in views:
            if view.trial.verdict is verdict:
                counts[view.word, view.look] = counts.get((view.word, view.look), 0) + 1
    cards = [_card(item, [by_trial[id(trial)] for trial in item.trials]) for item in found]
    step, sentence = _title(found, views)
    return Lead(
        step,
        sentence,
        _result(evidence.run, views),
        tuple(Count(word, look, number) for (word, look), number in counts.items()),
        tuple(cards[:MOST_FINDINGS]),
        len(cards[MOST_FINDINGS:]),
    )


def _title(found: Sequence[findings.Finding], views: Sequence[View]) -> tuple[str, str]:
    if not views:
        return "", "No trial was made."
    if not found:
        return (
            "",
            f"Every step of {'all ' if len(views) > 1 else 'the '}{counted(len(views), 'rebuild')} hits the cache.",
        )
    first = found[0]
    if first.step is None:
        return "", f"{counted(len(first.trials), 'trial')} could not be judged: {first.why}."
    varied = f" after the change {first.example.variation}" if first.example.variation != CONTROL else ""
    place = f"on {first.example.consumer} with {titled(first.example.engine)}{varied}"
    return (
        first.step.instruction,
        f"{findings.verb(first)} {place}{findings.against(first)}: {findings.short_cause(first)}.",
    )


def _result(run: Run, views: Sequence[View]) -> str:
    """Whether the trials went as the scenario expects."""
    other = [view for view in views if view.trial.verdict is not Verdict.AS_EXPECTED]
    missed = sum(view.first_miss is not None for view in views)
    lines = []
    if other:
        verb = "does" if len(other) == 1 else "do"
        lines.append(f"{len(other)} of {counted(len(views), 'trial')} {verb} not have the expected outcome.")
    elif views:
        text = "The trial has" if len(views) == 1 else f"All {len(views)} trials have"
        lines.append(f"{text} the expected outcome" + (f"; for {missed} of them that is a miss." if missed else "."))
    refuted = sum(view.refuted for view in views)
    if refuted:
        lines.append(f"{counted(refuted, 'trial')} contradict{'s' if refuted == 1 else ''} the prediction.")
    return " ".join([*lines, *([] if run.complete else [INCOMPLETE])])


def _card(finding: findings.Finding, views: Sequence[View]) -> Card:
    return Card(
        look=views[0].look,
        step=finding.step.instruction if finding.step else "",
        what=_what(finding),
        why=f"{finding.why}." if finding.why else "The cause is not known.",
        advice=finding.cause.advice or "" if finding.cause else "",
        unexpected=finding.unexpected,
        trials=tuple(views[:MOST_LINKS]),
        more=len(views[MOST_LINKS:]),
    )


def _what(finding: findings.Finding) -> str:
    text = f"{findings.verb(finding)}{findings.against(finding)}"
    if finding.kind is not Kind.MISS:
        return text
    if finding.deliberate:
        return f"{text} after a change made on purpose"
    if finding.example.verdict is Verdict.AS_EXPECTED:
        text = f"{text}, as the scenario expects"
        return f"{text}, against the prediction" if finding.contradicted else text
    return f"{text} although a hit is expected"
