"""A stored run's evidence with what can be said of it: explanations of its trials, and the contexts it kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lab.contenthash.entry import Entry
from lab.explain.steps import explain
from lab.explain.subject import subject
from lab.report.evidence import Evidence
from lab.results import Run
from lab.rulebook import Rulebook
from lab.stored import Kept, kept
from lab.upstream import Upstream


def explained(evidence: Evidence, boxes: Path) -> Evidence:
    """The same evidence with explanations and contexts; `boxes` is the checkout's folder of what is known of engines.

    ConfigError if that folder says something impossible.
    """
    run = evidence.run
    book, upstream = Rulebook(boxes), Upstream(boxes)
    found = {trial.name: explain(subject(run, trial, book), upstream) for trial in run.trials if _recorded(run)}
    return replace(
        evidence,
        explanations=found,
        contexts={**contexts(evidence), **evidence.contexts},
        rule_sets=_versions(book),
        engines=book.summaries(),
    )


def _versions(book: Rulebook) -> dict[str, str]:
    """The Docker versions that follow a rule set, by its name."""
    found: dict[str, list[str]] = {}
    for versions, known in [*book.versions(), *book.by_name()]:
        found.setdefault(known.rules.name, []).append(versions)
    return {name: ", ".join(versions) for name, versions in found.items()}


def contexts(evidence: Evidence) -> dict[str, tuple[Entry, ...]]:
    """The objects of each build's context by the phase or trial that it was made in, where they were kept."""
    run = evidence.run
    keys = {evidence.phase(made): made.context for made in run.productions}
    keys |= {trial.name: trial.context for trial in run.trials}
    found = {about: kept(run, key) for about, key in keys.items() if key}
    return {about: item.objects for about, item in found.items() if isinstance(item, Kept)}


def _recorded(run: Run) -> bool:
    """False for a run of an older lab, which kept nothing that an explanation could be made of."""
    return bool(run.contexts)
