"""What a report is made from: a run, the explanations of its trials, and the recorded commands with their output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from lab.buildkit.contenthash.entry import Entry
from lab.buildkit.rulebook import Rulebook
from lab.explain.explanation import Explanation, StepCause
from lab.explain.steps import explain
from lab.explain.subject import Subjects
from lab.explain.upstream import Upstream
from lab.model import Exchange, Outcome, Verdict, production_phase
from lab.report.homes import Home
from lab.results.contexts import StoredContext, load_context
from lab.results.facts import BoxFacts, StepResult
from lab.results.productions import Productions
from lab.results.run import Production, Run, Trial


@dataclass(frozen=True)
class Evidence:
    """One run with all that is known about it; everything but the run may be empty.

    The key of `explanations` is the trial's name. The key of `contexts`, the recorded files of each build context, is
    the trial or phase that built from it. `redacted` counts what was replaced by placeholders, by kind. `rule_sets`
    gives the Docker versions that follow a rule set, by its name. `engines` describes an engine whose name does not
    describe it. `homes` are the home folders in a transcript that was not read into `exchanges`.
    """

    run: Run
    explanations: Mapping[str, Explanation] = field(default_factory=dict)
    exchanges: tuple[Exchange, ...] = ()
    contexts: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    redacted: Mapping[str, int] = field(default_factory=dict)
    rule_sets: Mapping[str, str] = field(default_factory=dict)
    engines: Mapping[str, str] = field(default_factory=dict)
    homes: Mapping[str, Home] = field(default_factory=dict)

    def during(self, about: str) -> list[Exchange]:
        """The commands of one trial or phase."""
        return self._by_about.get(about, [])

    def phase(self, made: Production) -> str:
        """The name of the phase in which one producer built with one engine."""
        return production_phase(made.producer, made.engine, self.run.scenario, made.part)

    def facts(self, box: str, engine: str) -> BoxFacts | None:
        """The facts that were recorded of a box with that engine; None if the run ended before."""
        return self._by_box.get((box, engine))

    def ends(self, trial: Trial) -> tuple[BoxFacts | None, BoxFacts | None]:
        """The facts of a trial's producer and consumer."""
        return self.facts(trial.producer, producer_engine(trial)), self.facts(trial.consumer, trial.engine)

    def cause(self, trial: Trial) -> StepCause | None:
        """The explained step that made the rest of a trial miss; None where nothing is explained."""
        explanation = self.explanations.get(trial.name)
        return explanation.cause if explanation else None

    def step_cause(self, trial: Trial, number: int) -> StepCause | None:
        """The explanation of one step, counted from 0; None unless it is about the same instruction."""
        explanation = self.explanations.get(trial.name)
        steps = explanation.steps if explanation else ()
        wanted = trial.build.steps[number].instruction if trial.build and number < len(trial.build.steps) else None
        return steps[number] if number < len(steps) and steps[number].instruction == wanted else None

    @cached_property
    def productions(self) -> Productions:
        """The run's productions by who made them."""
        return Productions(self.run)

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
    """The files of the run's contexts, by the trial or phase that built from each; unreadable ones are left out."""
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
    """The first step that ran; None where all steps hit, and for a broken trial, which does not show cache keys."""
    if trial.build is None or trial.verdict is Verdict.BROKEN:
        return None
    return next((step for step in trial.build.steps if step.outcome is Outcome.RAN), None)


def explained(evidence: Evidence, boxes: Path) -> Evidence:
    """The same evidence with explanations and contexts; `boxes` is the folder with the rules of known engines.

    ConfigError if a file in that folder is wrong.
    """
    run = evidence.run
    book = Rulebook(boxes)
    return replace(
        evidence,
        explanations=Explanations(run, book, Upstream(boxes)) if _recorded(run) else {},
        contexts=evidence.contexts or gathered(run),
        rule_sets=_versions(book),
        engines=book.summaries(),
    )


class Explanations(Mapping[str, Explanation]):
    """The explanations of all trials of a run by their names; each is made when it is read first."""

    def __init__(self, run: Run, book: Rulebook, upstream: Upstream) -> None:
        self._trials = {trial.name: trial for trial in run.trials}
        self._subjects = Subjects(run, book)
        self._upstream = upstream
        self._made: dict[str, Explanation] = {}

    def __getitem__(self, name: str) -> Explanation:
        if name not in self._made:
            self._made[name] = explain(self._subjects.of(self._trials[name]), self._upstream)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._trials)

    def __len__(self) -> int:
        return len(self._trials)


def _versions(book: Rulebook) -> dict[str, str]:
    """The Docker versions that follow a rule set, by its name."""
    found: dict[str, list[str]] = {}
    for versions, known in [*book.versions(), *book.by_name()]:
        found.setdefault(known.rules.name, []).append(versions)
    return {name: ", ".join(versions) for name, versions in found.items()}


def _recorded(run: Run) -> bool:
    """False for a run of an older version of lab, which recorded no files to explain a miss from."""
    return bool(run.contexts)
