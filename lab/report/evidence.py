"""What a report is made of: a run, the explanations of its trials, and the commands with what came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from lab.buildkit.contenthash.entry import Entry
from lab.buildkit.rulebook import Rulebook
from lab.explain.explanation import Explanation, StepCause
from lab.explain.steps import explain
from lab.explain.subject import subject
from lab.explain.upstream import Upstream
from lab.model import Exchange, Outcome, Verdict
from lab.results.contexts import StoredContext, load_context
from lab.results.run import BoxFacts, Production, Run, StepResult, Trial


@dataclass(frozen=True)
class Evidence:
    """One run with all that is known of it; all but the run may be empty.

    `explanations` go by the trial's name; `contexts`, what was gathered of a context's files, by the trial or phase it
    was made in; `redacted` counts what was replaced by placeholders, by kind. `rule_sets` says which Docker versions
    follow a rule set that explanations name, `engines` what an engine is whose name does not say it.
    """

    run: Run
    explanations: Mapping[str, Explanation] = field(default_factory=dict)
    exchanges: tuple[Exchange, ...] = ()
    contexts: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    redacted: Mapping[str, int] = field(default_factory=dict)
    rule_sets: Mapping[str, str] = field(default_factory=dict)
    engines: Mapping[str, str] = field(default_factory=dict)

    def during(self, about: str) -> list[Exchange]:
        """The commands of one trial or phase."""
        return self._by_about.get(about, [])

    def phase(self, made: Production) -> str:
        """The name of the phase in which one producer built with one engine."""
        return f"{made.producer}:{made.engine}/{self.run.scenario}:produce"

    def facts(self, box: str, engine: str) -> BoxFacts | None:
        """What a box said of itself with that engine; None if the run was cut short before."""
        return self._by_box.get((box, engine))

    def ends(self, trial: Trial) -> tuple[BoxFacts | None, BoxFacts | None]:
        """The facts of a trial's producer and consumer."""
        return self.facts(trial.producer, producer_engine(trial)), self.facts(trial.consumer, trial.engine)

    def cause(self, trial: Trial) -> StepCause | None:
        """The step that made the rest of a trial miss, where it is explained."""
        explanation = self.explanations.get(trial.name)
        return explanation.cause if explanation else None

    def step_cause(self, trial: Trial, number: int) -> StepCause | None:
        """The explanation of one step, counted from 0; None unless it speaks of that very instruction."""
        explanation = self.explanations.get(trial.name)
        steps = explanation.steps if explanation else ()
        wanted = trial.build.steps[number].instruction if trial.build and number < len(trial.build.steps) else None
        return steps[number] if number < len(steps) and steps[number].instruction == wanted else None

    @cached_property
    def _by_about(self) -> dict[str, list[Exchange]]:
        found: dict[str, list[Exchange]] = {}
        for exchange in self.exchanges:
            found.setdefault(exchange.about, []).append(exchange)
        return found

    @cached_property
    def _by_box(self) -> dict[tuple[str, str], BoxFacts]:
        return {(box.name, box.engine): box for box in self.run.boxes}


def gathered(run: Run) -> dict[str, tuple[Entry, ...]]:
    """What the run keeps of contexts, by the trial or phase each was made in; one that cannot be read is not there."""
    evidence = Evidence(run)
    keys = {evidence.phase(made): made.context for made in run.productions}
    keys |= {trial.name: trial.context for trial in run.trials}
    read = {key: load_context(run, key) for key in dict.fromkeys(keys.values()) if key}
    found = {about: read[key] for about, key in keys.items() if key}
    return {about: context.objects for about, context in found.items() if isinstance(context, StoredContext)}


def producer_engine(trial: Trial) -> str:
    """The engine that made the image: the consumer's own unless the trial names another."""
    return trial.producer_engine or trial.engine


def first_miss(trial: Trial) -> StepResult | None:
    """The first step that ran; None where all hit, or where it is not known: a broken trial says nothing of keys."""
    if trial.build is None or trial.verdict is Verdict.BROKEN:
        return None
    return next((step for step in trial.build.steps if step.outcome is Outcome.RAN), None)


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
    found = {about: load_context(run, key) for about, key in keys.items() if key}
    return {about: item.objects for about, item in found.items() if isinstance(item, StoredContext)}


def _recorded(run: Run) -> bool:
    """False for a run of an older lab, which kept nothing that an explanation could be made of."""
    return bool(run.contexts)
