"""One trial as the page shows it: verdict, marked Dockerfile, cause, files, commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.explain.explanation import Explanation, Role, StepCause
from lab.model import Outcome, Verdict
from lab.report.evidence import Evidence, producer_engine
from lab.report.page.dockerfile import Line, Step, marked, steps
from lab.report.page.records import Comparison, compare
from lab.report.page.text import clock, seconds
from lab.report.trials import bytes_sent, sent_word
from lab.results.run import Trial

LOOKS = {
    Verdict.AS_EXPECTED: "expected",
    Verdict.MISSED: "missed",
    Verdict.UNEXPECTED_HIT: "unexpected-hit",
    Verdict.WRONG_HIT: "wrong-hit",
    Verdict.BROKEN: "broken",
}
KNOWN = "known"  # the look of a trial that missed as expected: no miss has the colour of a hit


@dataclass(frozen=True, slots=True)
class View:
    """A trial with everything that the page shows; `number` counts from 1 and is its anchor."""

    number: int
    trial: Trial
    production: int | None  # the anchor of the producer's build
    steps: tuple[Step, ...]
    lines: tuple[Line, ...]
    causes: tuple[StepCause, ...]
    remark: str
    comparison: Comparison

    @property
    def look(self) -> str:
        """The verdict as a class of the style sheet."""
        if self.trial.verdict is Verdict.AS_EXPECTED and self.first_miss:
            return KNOWN
        return LOOKS[self.trial.verdict]

    @property
    def word(self) -> str:
        """The verdict in words."""
        return "miss, as expected" if self.look == KNOWN else self.trial.verdict.value

    @property
    def producer_engine(self) -> str:
        """The engine that built the image."""
        return producer_engine(self.trial)

    @property
    def sent(self) -> str:
        """Bytes of context the client sent."""
        return sent_word(bytes_sent(self.trial))

    @property
    def seconds(self) -> str:
        """The duration of the whole trial."""
        return seconds(self.trial.seconds)

    @property
    def started(self) -> str:
        """When it began, in UTC; empty if the run does not say."""
        return clock(self.trial.started)

    @property
    def first_miss(self) -> Step | None:
        """The first step that ran."""
        return next((step for step in self.steps if step.outcome is Outcome.RAN), None)

    @property
    def odd(self) -> Step | None:
        """The first step with another outcome than expected."""
        return next((step for step in self.steps if step.odd), None)

    @property
    def miss_expected(self) -> bool:
        """True if any step was expected to run."""
        return any(step.expected is Outcome.RAN for step in self.steps)

    @property
    def refuted(self) -> bool:
        """True if the engine contradicts the prediction."""
        return any(step.refuted for step in self.steps)

    @property
    def has(self) -> str:
        """For the filter: `hit` if every step hit, else the other outcomes that occur."""
        words = dict.fromkeys(step.outcome.value for step in self.steps if step.outcome is not Outcome.HIT)
        return " ".join([*words, *(["refuted"] if self.refuted else [])]) or ("hit" if self.steps else "unknown")

    @property
    def summary(self) -> str:
        """The result in a few words."""
        if self.trial.verdict is Verdict.BROKEN or not self.steps:
            return "no verdict"
        wrong = next((step for step in self.steps if step.outcome is Outcome.WRONG_HIT), None)
        if wrong:
            return f"wrong hit at {wrong.instruction}"
        return f"missed at {self.first_miss.instruction}" if self.first_miss else "every step hit"


def view(number: int, evidence: Evidence, trial: Trial) -> View:
    """Everything that the page shows of one trial."""
    run, explanation = evidence.run, evidence.explanations.get(trial.name)
    found = steps(run, trial, explanation)
    explained = explanation.steps if explanation else ()
    causes = tuple(item for item in explained if item.role is Role.CAUSE)
    made, place = evidence.productions.of(trial), evidence.productions.place(trial)
    return View(
        number=number,
        trial=trial,
        production=None if place is None else place + 1,
        steps=found,
        lines=tuple(marked(run.dockerfile, found)),
        causes=causes,
        remark="" if causes else _remark(trial, found, explanation),
        comparison=compare(
            evidence.contexts.get(evidence.phase(made)) if made else None,
            evidence.contexts.get(trial.name),
            list(dict.fromkeys(item for cause in explained for item in cause.differences)),
        ),
    )


def _remark(trial: Trial, found: Sequence[Step], explanation: Explanation | None) -> str:
    """The sentence that stands in place of a cause."""
    if trial.verdict is Verdict.BROKEN:
        return "The trial is broken, so its outcomes do not count."
    if all(step.outcome is Outcome.HIT for step in found):
        return "Every step hit: there is nothing to explain."
    wrong = [f"{item.path}: {', '.join(item.problems)}" for item in trial.inspections if item.problems]
    if wrong:
        return f"The image is wrong: {'; '.join(wrong)}."
    unknown = [item.sentence for item in (explanation.steps if explanation else ()) if item.role is Role.UNKNOWN]
    if unknown:
        return "Not known. " + " ".join(unknown)
    if explanation:
        return "Not known: the recorded facts do not explain it."
    return "Not known: the run has no explanation of this trial."
