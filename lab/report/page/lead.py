"""What a reader should know after ten seconds: the run in one sentence, then its findings, the unexpected first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.model import Outcome, Verdict
from lab.report.page.text import plural
from lab.report.page.trial import View
from lab.results.run import Run

MOST_FINDINGS = 12
MOST_LINKS = 6
CUT_SHORT = " The run was cut short: not all trials were made."


@dataclass(frozen=True, slots=True)
class Finding:
    """Trials that tell the same: the step, what it did, why, and the first few trials to look at."""

    look: str
    step: str
    what: str
    why: str
    unexpected: bool
    trials: tuple[View, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Count:
    """How many trials ended with one verdict."""

    verdict: str
    look: str
    count: int


@dataclass(frozen=True, slots=True)
class Lead:
    """The top of the page; `more` counts findings that are left out."""

    sentence: str
    counts: tuple[Count, ...]
    findings: tuple[Finding, ...]
    more: int


def lead(run: Run, views: Sequence[View]) -> Lead:
    """The sentence, the count of every verdict that occurs, and the findings."""
    counts = [
        Count(verdict.value, found[0].look, len(found))
        for verdict in Verdict
        if (found := [view for view in views if view.trial.verdict is verdict])
    ]
    findings = _findings(views)
    return Lead(_sentence(run, views), tuple(counts), tuple(findings[:MOST_FINDINGS]), len(findings[MOST_FINDINGS:]))


def _sentence(run: Run, views: Sequence[View]) -> str:
    if not views:
        return "No trial was made." + ("" if run.complete else CUT_SHORT)
    other = [view for view in views if view.trial.verdict is not Verdict.AS_EXPECTED]
    if other:
        text = f"{len(other)} of {plural(len(views), 'trial')} did not go as expected."
    else:
        text = f"All {len(views)} trials went as expected." if len(views) > 1 else "The one trial went as expected."
        text += _misses(views)
    refuted = [view for view in views if view.refuted]
    if refuted:
        text += f" {plural(len(refuted), 'prediction')} did not come true."
    return text + ("" if run.complete else CUT_SHORT)


def _misses(views: Sequence[View]) -> str:
    missed = sum(view.first_miss is not None for view in views)
    if not missed:
        return " Every step hit the cache."
    return f" {missed} of them missed the cache, and that was expected." if missed > 1 else (
        " One of them missed the cache, and that was expected."
    )  # fmt: skip


def _findings(views: Sequence[View]) -> list[Finding]:
    """Trials that missed, or did what was not expected, grouped by verdict, step and reason."""
    groups: dict[tuple[str, str, str, str, bool], list[View]] = {}
    for view in views:
        if view.trial.verdict is Verdict.AS_EXPECTED and not view.first_miss and not view.refuted:
            continue
        groups.setdefault(_key(view), []).append(view)
    found = [
        Finding(*key, trials=tuple(group[:MOST_LINKS]), more=max(0, len(group) - MOST_LINKS))
        for key, group in groups.items()
    ]
    return sorted(found, key=lambda finding: not finding.unexpected)


def _key(view: View) -> tuple[str, str, str, str, bool]:
    trial = view.trial
    unexpected = trial.verdict is not Verdict.AS_EXPECTED or view.refuted
    if trial.verdict is Verdict.BROKEN:
        return view.look, "", "could not be judged", (trial.problem or "not known why").split("\n", 1)[0], unexpected
    if trial.verdict is Verdict.UNEXPECTED_HIT and view.odd:
        return view.look, view.odd.instruction, "hit, though it was expected to run", trial.because or "", unexpected
    missed = next((step for step in view.steps if step.odd and step.outcome is Outcome.RAN), None)
    step, what = missed or view.first_miss, "ran, as expected" if not missed else "ran, though it was expected to hit"
    if view.refuted and not step:
        step, what = next(step for step in view.steps if step.refuted), "did not do what was predicted"
    reason = trial.because if view.miss_expected and not missed else None  # else it says why it should have hit
    why = view.causes[0].sentence if view.causes else reason or "Why is not known."
    return view.look, step.instruction if step else "", what, why, unexpected
