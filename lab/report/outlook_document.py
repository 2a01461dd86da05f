"""JSON of a predicted build for tools, in the schema that `lab schema predict` publishes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from lab.explain.outlook import Outlook
from lab.explain.question import Question
from lab.model import Outcome
from lab.registry.found import FoundCache
from lab.report.published import hidden_values
from lab.report.shown import SourceShown, StepBasics, basics, published, source_shown
from lab.yamlfile import Strict


class PredictedStep(StepBasics):
    """One step, with what it costs."""

    seconds: float | None = Field(description="what the step costs; null if no source has a time")
    seconds_from: str | None = Field(description="the name of a log or a stored run, or `cache` for an upper bound")


class PredictDocument(Strict):
    """What `lab predict --json` prints; `cause` is the number of a step, from 0."""

    version: Literal[1] = Field(default=1, alias="schema")
    caches: tuple[SourceShown, ...]
    engine: str
    rules: str
    platform: str
    target: str | None
    hit: int
    run: int
    unknown: int
    hit_percent: float
    seconds_at_stake: float = Field(description="the known seconds of the steps that are predicted to run")
    seconds_unknown: float = Field(description="the known seconds of the steps whose outcome is not known")
    untimed: int = Field(description="how many steps that are predicted to run have no known time")
    cause: int | None
    remarks: tuple[str, ...]
    steps: tuple[PredictedStep, ...]


def predict_document(sources: Sequence[FoundCache], question: Question, found: Outlook) -> dict[str, Any]:
    """The document as JSON values, with placeholders for secrets."""
    value = PredictDocument(
        caches=tuple(map(source_shown, sources)),
        engine=question.engine.name,
        rules=question.engine.rules.name,
        platform="/".join(question.platform),
        target=question.target,
        hit=len(found.diagnosis.of(Outcome.HIT)),
        run=len(found.diagnosis.of(Outcome.RAN)),
        unknown=len(found.diagnosis.of(Outcome.UNKNOWN)),
        hit_percent=round(found.hit_percent, 2),
        seconds_at_stake=round(found.seconds(Outcome.RAN), 3),
        seconds_unknown=round(found.seconds(Outcome.UNKNOWN), 3),
        untimed=found.untimed(Outcome.RAN),
        cause=found.diagnosis.cause,
        remarks=found.diagnosis.remarks,
        steps=tuple(_steps(found)),
    )
    return hidden_values(value.model_dump(mode="json", by_alias=True))


def predict_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `predict_document`."""
    return published(PredictDocument)


def _steps(found: Outlook) -> list[PredictedStep]:
    return [
        PredictedStep(
            **basics(item),
            seconds=round(cost.seconds, 3) if cost else None,
            seconds_from=cost.source if cost else None,
        )
        for item, cost in zip(found.steps, found.costs, strict=True)
    ]
