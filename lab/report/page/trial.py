"""One trial as the page tells it: verdict, marked Dockerfile, cause, files, commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.explain.explanation import Explanation, Role, StepCause
from lab.model import Outcome, Verdict, ordering
from lab.report.evidence import Evidence, producer_engine
from lab.report.page.dockerfile import Line, Step, marked, steps
from lab.report.page.records import Comparison, compare
from lab.report.page.text import clock, seconds, sent
from lab.results.run import Run, Trial

LOOKS = {
    Verdict.AS_EXPECTED: "expected",
    Verdict.MISSED: "busted",
    Verdict.UNEXPECTED_HIT: "fixed",
    Verdict.BROKEN: "broken",
}


@dataclass(frozen=True, slots=True)
class View:
    """A trial with everything that is shown of it; `number` counts from 1 and is its anchor."""

    number: int
    trial: Trial
    production: int | None  # the anchor of the producer's build
    steps: tuple[Step, ...]
    lines: tuple[Line, ...]
    causes: tuple[StepCause, ...]
    saying: str
    comparison: Comparison

    @property
    def look(self) -> str:
        """The verdict as a class of the style sheet."""
        return LOOKS[self.trial.verdict]

    @property
    def producer_engine(self) -> str:
        """The engine that built the image."""
        return producer_engine(self.trial)

    @property
    def sent(self) -> str:
        """Bytes of context the client sent."""
        return sent(self.trial.build.context_bytes if self.trial.build else None)

    @property
    def seconds(self) -> str:
        """How long the whole trial took."""
        return seconds(self.trial.seconds)

    @property
    def started(self) -> str:
        """When it began, in UTC, empty if that was not noted."""
        return clock(self.trial.started)

    @property
    def first_miss(self) -> Step | None:
        """The first step that ran."""
        return next((step for step in self.steps if step.outcome is Outcome.RAN), None)

    @property
    def odd(self) -> Step | None:
        """The first step that differs from what was expected of it."""
        return next((step for step in self.steps if step.odd), None)

    @property
    def miss_expected(self) -> bool:
        """Whether any step was expected to run."""
        return any(step.expected is Outcome.RAN for step in self.steps)

    @property
    def refuted(self) -> bool:
        """Whether the engine did otherwise than was predicted."""
        return any(step.refuted for step in self.steps)

    @property
    def has(self) -> str:
        """For the filter: `hit` if every step hit, else the other words that occur."""
        words = dict.fromkeys(step.outcome.value for step in self.steps if step.outcome is not Outcome.HIT)
        return " ".join([*words, *(["refuted"] if self.refuted else [])]) or ("hit" if self.steps else "unknown")

    @property
    def news(self) -> str:
        """The trial's end in a few words."""
        if self.trial.verdict is Verdict.BROKEN or not self.steps:
            return "no verdict"
        return f"ran from {self.first_miss.instruction} on" if self.first_miss else "every step hit"


def view(number: int, evidence: Evidence, trial: Trial) -> View:
    """Put together what the page shows of one trial."""
    run, explanation = evidence.run, evidence.explanations.get(trial.name)
    found = steps(run.instructions, trial, explanation)
    told = explanation.steps if explanation else ()
    causes = tuple(item for item in told if item.role is Role.CAUSE)
    wanted = (trial.producer, producer_engine(trial))
    makers = ((place, made) for place, made in enumerate(run.productions, 1) if (made.producer, made.engine) == wanted)
    place, made = next(makers, (None, None))
    return View(
        number=number,
        trial=trial,
        production=place,
        steps=found,
        lines=tuple(marked(run.dockerfile, found)),
        causes=causes,
        saying="" if causes else _saying(trial, found, explanation),
        comparison=compare(
            evidence.contexts.get(evidence.phase(made)) if made else None,
            evidence.contexts.get(trial.name),
            list(dict.fromkeys(item for cause in told for item in cause.differences)),
        ),
    )


def order(run: Run) -> list[Trial]:
    """Trials by variation, in the order those were made, then by engines and boxes."""
    place = ordering(trial.key for trial in run.trials)
    return sorted(run.trials, key=lambda trial: place(trial.key))


def _saying(trial: Trial, found: Sequence[Step], explanation: Explanation | None) -> str:
    """The sentence where no cause is named."""
    if trial.verdict is Verdict.BROKEN:
        return "The trial has no verdict, so nothing is said about a cause."
    if all(step.outcome is Outcome.HIT for step in found):
        return "Every step hit: there is nothing to explain."
    unknown = [item.sentence for item in (explanation.steps if explanation else ()) if item.role is Role.UNKNOWN]
    if unknown:
        return "Not known. " + " ".join(unknown)
    if explanation:
        return "Not known: the facts gathered do not carry an answer."
    return "Not known: this run holds no explanation of the trial."
