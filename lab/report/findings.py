"""What a run shows: its misses and wrong hits, alike ones together, the most telling first."""

from __future__ import annotations

from dataclasses import dataclass

from lab.explain.explanation import StepCause
from lab.model import CONTROL, Outcome, Verdict
from lab.report import markup
from lab.report.evidence import Evidence, first_miss, producer_engine
from lab.results.run import StepResult, Trial

_RANKS = {Verdict.MISSED: 0, Verdict.UNEXPECTED_HIT: 1, Verdict.AS_EXPECTED: 2}


@dataclass(frozen=True)
class Finding:
    """Trials in which the same step missed (or hit, against what is expected) in the same way, on the same engines."""

    trials: tuple[Trial, ...]
    step: StepResult
    cause: StepCause | None

    @property
    def example(self) -> Trial:
        """The trial to show."""
        return self.trials[0]

    @property
    def engines(self) -> tuple[str, str]:
        """The producer's and the consumer's engine."""
        return producer_engine(self.example), self.example.engine

    @property
    def misses(self) -> bool:
        """False where the step hit although it is expected to run."""
        return self.step.outcome is Outcome.RAN

    @property
    def varied(self) -> bool:
        """True where a change made on purpose did what the scenario expects of it."""
        return self.example.variation != CONTROL and self.example.verdict is Verdict.AS_EXPECTED


def findings(evidence: Evidence) -> list[Finding]:
    """All findings: unexpected ones before expected ones, what nobody varied before what was varied on purpose."""
    groups: dict[tuple[object, ...], list[tuple[Trial, StepResult]]] = {}
    for trial in evidence.run.trials:
        step = _told(trial)
        if step is None:
            continue
        cause = evidence.cause(trial)
        why = cause.sentence if cause else trial.because
        key = (
            trial.verdict,
            trial.variation,
            step.instruction,
            step.outcome,
            why,
            producer_engine(trial),
            trial.engine,
        )
        groups.setdefault(key, []).append((trial, step))
    found = [
        Finding(tuple(trial for trial, _ in group), group[0][1], evidence.cause(group[0][0]))
        for group in groups.values()
    ]
    return sorted(found, key=lambda item: (_RANKS[item.example.verdict], item.example.variation != CONTROL))


def contrast(evidence: Evidence, finding: Finding) -> Trial | None:
    """A trial that differs from the finding's example in as little as can be and went the other way; None if none did.

    Same producer, engines and variation on another consumer; else the same boxes with nothing varied; else the same
    boxes with other engines.
    """
    example = finding.example
    others = [
        trial for trial in evidence.run.trials if trial.verdict is not Verdict.BROKEN and _went(trial) != _went(example)
    ]

    def same(trial: Trial, *fields: str) -> bool:
        return all(getattr(trial, field) == getattr(example, field) for field in fields)

    for fields in (
        ("producer", "producer_engine", "engine", "variation"),
        ("producer", "consumer", "producer_engine", "engine"),
        ("producer", "consumer", "variation"),
    ):
        found = next((trial for trial in others if same(trial, *fields)), None)
        if found:
            return found
    return None


def reason(trial: Trial) -> str:
    """What stands for a cause where none was found, as Markdown: the scenario's word, marked as such."""
    if trial.because:
        return f"The scenario gives as the reason: {markup.prose(trial.because)}."
    return "The cause is not known."


def _told(trial: Trial) -> StepResult | None:
    """The step that a trial is about: the first that ran, or that hit although it should run."""
    if trial.verdict is Verdict.UNEXPECTED_HIT and trial.build:
        return next((step for step in trial.build.steps if step.outcome is not step.expected), None)
    return first_miss(trial)


def _went(trial: Trial) -> tuple[Outcome, ...]:
    return tuple(step.outcome for step in trial.build.steps) if trial.build else ()
