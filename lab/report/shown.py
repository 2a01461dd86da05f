"""The parts that the JSON documents of `why`, `predict` and a run share: their schemas, cache sources, and steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from pydantic import Field

from lab.explain.explanation import Role
from lab.explain.why import Answer
from lab.model import Outcome
from lab.registry.found import FoundCache
from lab.report.why import reason
from lab.yamlfile import Strict


class SourceShown(Strict):
    """One cache source: its name as given, its kind, the number of its records, and why nothing is imported from it."""

    name: str
    kind: str
    records: int
    digest: str | None
    config: str | None
    problem: str | None


class StepBasics(Strict):
    """One step: its place, its predicted outcome and role, why, and the step that decides about it."""

    stage: str
    step: str = Field(description="the number as BuildKit prints it, such as 2/4; empty if it is not known")
    line: int | None = Field(description="the line of the Dockerfile, from 1")
    instruction: str
    outcome: Outcome
    role: Role
    reason: str
    because_of: int | None = Field(description="the number, from 0, of a step that runs or is unknown and so decides")


class Basics(TypedDict):
    """The values of the fields of `StepBasics`."""

    stage: str
    step: str
    line: int | None
    instruction: str
    outcome: Outcome
    role: Role
    reason: str
    because_of: int | None


def basics(item: Answer) -> Basics:
    """The values of a step's fields that all documents have."""
    return Basics(
        stage=item.place.stage,
        step=f"{item.place.index}/{item.place.total}" if item.place.total else "",
        line=item.place.line,
        instruction=item.instruction,
        outcome=item.outcome,
        role=item.role,
        reason=reason(item),
        because_of=item.lost,
    )


def source_shown(source: FoundCache) -> SourceShown:
    """One cache source as a value of a document."""
    return SourceShown(
        name=source.name,
        kind=source.kind,
        records=source.count,
        digest=source.digest or None,
        config=source.image.digest if source.image else None,
        problem=source.problem or None,
    )


def published(model: type[Strict]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a document that lab writes, in which every field is present."""
    return in_dialect(model.model_json_schema(by_alias=True, mode="serialization"))


def in_dialect(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema with the name of its dialect, JSON Schema 2020-12, which is the one that pydantic writes."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
