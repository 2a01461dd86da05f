"""What a run shows: misses, unexpected and wrong hits, broken trials, with those of one cause together.

Every form of a report takes its findings from here, so that all of them count the same.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum

from lab.explain.explanation import Role, StepCause
from lab.model import CONTROL, Outcome, Verdict
from lab.report.evidence import Evidence, first_miss, producer_engine
from lab.report.prediction import Prediction, contradicts, prediction
from lab.report.trials import in_order, predicted_of
from lab.results.facts import StepResult
from lab.results.run import Trial

# The names of rule sets mean nothing to a reader; only the evidence has them.
_RULE_SET = re.compile(r" \(R\d+(?:[+,][^()\s]*|, [^()]*)?\)")


class Kind(StrEnum):
    """What is remarkable about a trial."""

    MISS = "miss"
    UNEXPECTED_HIT = "unexpected hit"
    WRONG_HIT = "wrong hit"
    CONTRADICTED = "contradicted"
    BROKEN = "broken"


KINDS = {Outcome.RAN: Kind.MISS, Outcome.WRONG_HIT: Kind.WRONG_HIT}


@dataclass(frozen=True)
class Finding:
    """Trials in which the same happened for the same cause; `step` is the step it happened to, None in broken trials.

    `why` is the cause in one sentence without a full stop, else the reason that the scenario gives, else empty.
    `contradicted` is true where the engine did not do what was predicted.
    """

    kind: Kind
    trials: tuple[Trial, ...]
    step: StepResult | None
    cause: StepCause | None
    why: str
    contradicted: bool = False

    @property
    def example(self) -> Trial:
        """The trial to show."""
        return self.trials[0]

    @property
    def engines(self) -> tuple[str, str]:
        """The producer's and the consumer's engine in the example."""
        return producer_engine(self.example), self.example.engine

    @property
    def deliberate(self) -> bool:
        """True where a step missed because the scenario changed something on purpose and expects the miss."""
        varied = self.example.variation != CONTROL and self.example.verdict is Verdict.AS_EXPECTED
        return varied and self.kind is Kind.MISS and not self.contradicted

    @property
    def unexpected(self) -> bool:
        """True where the trial does not do what the scenario expects, or the engine not what was predicted."""
        return self.example.verdict is not Verdict.AS_EXPECTED or self.contradicted


def findings(evidence: Evidence) -> list[Finding]:
    """All findings of a run: unexpected ones first, then known misses, misses made on purpose, broken trials."""
    groups: dict[Hashable, list[tuple[Trial, Finding]]] = {}
    for trial in in_order(evidence.run):
        if found := finding_of(evidence, trial):
            groups.setdefault(_key(found), []).append((trial, found))
    merged = []
    for group in groups.values():
        first = group[0][1]
        trials = tuple(trial for trial, _ in group)
        merged.append(Finding(first.kind, trials, first.step, first.cause, first.why, first.contradicted))
    return sorted(merged, key=_rank)


def finding_of(evidence: Evidence, trial: Trial) -> Finding | None:
    """What is remarkable about one trial; None where every step hit and was expected to."""
    if trial.verdict is Verdict.BROKEN:
        problem = (trial.problem or "the reason is not known").strip().split("\n", 1)[0]
        return Finding(Kind.BROKEN, (trial,), None, None, problem)
    contradicted = prediction(trial) is Prediction.CONTRADICTED
    step = _step(trial)
    if step is None:
        return Finding(Kind.CONTRADICTED, (trial,), _refuted(trial), None, "", True) if contradicted else None
    kind = KINDS.get(step.outcome, Kind.UNEXPECTED_HIT)
    cause = _cause(evidence, trial, step) if kind is Kind.MISS else None
    why = plain(cause.sentence) if cause else _wrong(trial, step) or _reason(trial, step)
    return Finding(kind, (trial,), step, cause, why, contradicted)


def contrast(evidence: Evidence, finding: Finding) -> Trial | None:
    """A trial with other outcomes that differs from the finding's example in as little as possible; None without one.

    Same producer, engines and variation on another consumer; else the same boxes without a change; else the same
    boxes with other engines.
    """
    example = finding.example
    others = [
        trial
        for trial in evidence.run.trials
        if trial.verdict is not Verdict.BROKEN and _outcomes(trial) != _outcomes(example)
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


def plain(sentence: str) -> str:
    """A cause for a reader: without names of rule sets, without a full stop."""
    return _RULE_SET.sub("", sentence).rstrip(".")


def short_cause(finding: Finding) -> str:
    """The cause in a few words, for a title: the first field that differs; else the whole sentence."""
    differences = finding.cause.differences if finding.cause else ()
    if not differences:
        return finding.why or "the cause is not known"
    first = differences[0]
    if first.field == "presence":
        text = f"{first.path} is on one side only"
    elif first.field == "content":
        text = f"the content of {first.path} differs"
    else:
        text = f"{first.field} of {first.path} differs"
    more = len(differences) - 1
    return text + (f", and {more} more field{'s differ' if more > 1 else ' differs'}" if more else "")


def verb(finding: Finding) -> str:
    """What the step does; the subject of the sentence is the instruction."""
    verbs = {Kind.MISS: "misses", Kind.UNEXPECTED_HIT: "hits", Kind.WRONG_HIT: "hits with a wrong result"}
    verbs[Kind.CONTRADICTED] = "does not do what was predicted"
    return verbs.get(finding.kind, "could not be judged")


def against(finding: Finding) -> str:
    """The end of a sentence about a hit that the scenario does not expect; else empty."""
    return " although a miss is expected" if finding.kind is Kind.UNEXPECTED_HIT else ""


def _rank(finding: Finding) -> int:
    if finding.kind is Kind.BROKEN:
        return 5
    if finding.example.verdict is Verdict.MISSED:
        return 0
    if finding.example.verdict is not Verdict.AS_EXPECTED:
        return 1
    return 2 if finding.contradicted else 4 if finding.deliberate else 3


def _key(finding: Finding) -> Hashable:
    """Findings with one key are one: the same deviation of the same step, for the same fields of the same files."""
    differences = finding.cause.differences if finding.cause else ()
    fields = tuple(sorted({(item.path, item.field) for item in differences}))
    same: Hashable = fields or (finding.why, finding.example.variation)
    step = finding.step.instruction if finding.step else ""
    return finding.example.verdict, finding.kind, finding.contradicted, finding.deliberate, step, same


def _step(trial: Trial) -> StepResult | None:
    """The step that a trial is about: one that ran against expectation, else hit against it, else the first miss."""
    steps = trial.build.steps if trial.build else ()
    odd = [step for step in steps if step.expected is not None and step.outcome is not step.expected]
    if trial.verdict is not Verdict.AS_EXPECTED and odd:
        ran = (step for step in odd if step.outcome is Outcome.RAN)
        return odd[0] if trial.verdict is Verdict.UNEXPECTED_HIT else next(ran, odd[0])
    wrong = next((step for step in steps if step.outcome is Outcome.WRONG_HIT), None)
    return wrong or first_miss(trial)


def _refuted(trial: Trial) -> StepResult | None:
    steps = trial.build.steps if trial.build else ()
    pairs = ((step, predicted_of(trial, number)) for number, step in enumerate(steps))
    return next((step for step, guess in pairs if guess is not None and contradicts(guess, step.outcome)), None)


def _cause(evidence: Evidence, trial: Trial, step: StepResult) -> StepCause | None:
    """The cause of that very step; None where only the cause of an earlier miss is known."""
    steps = trial.build.steps if trial.build else ()
    number = next(place for place, item in enumerate(steps) if item is step)
    own = evidence.step_cause(trial, number)
    if own is not None:
        return own if own.role is Role.CAUSE else None
    found = evidence.cause(trial)
    return found if found and found.instruction == step.instruction else None


def _wrong(trial: Trial, step: StepResult) -> str:
    """What an inspection found wrong in the image, for a wrong hit."""
    if step.outcome is not Outcome.WRONG_HIT or trial.build is None:
        return ""
    number = next(place for place, item in enumerate(trial.build.steps, 1) if item is step)
    found = [f"{item.path}: {', '.join(item.problems)}" for item in trial.inspections if item.step == number]
    return f"the image is wrong: {'; '.join(found)}" if found else ""


def _reason(trial: Trial, step: StepResult) -> str:
    """The scenario's reason for a miss; one that says why the step should hit is no reason for its miss."""
    wanted = step.outcome is Outcome.HIT or step.expected is not Outcome.HIT
    return plain(trial.because) if trial.because and wanted else ""


def _outcomes(trial: Trial) -> tuple[Outcome, ...]:
    return tuple(step.outcome for step in trial.build.steps) if trial.build else ()
