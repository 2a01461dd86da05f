"""JSON of two sides' files for tools, in the schema that `lab schema why-against` publishes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal

from pydantic import Field

from lab.explain.against import CopyComparison, Sameness
from lab.report.shown import published
from lab.yamlfile import Strict


class AnswerShown(Strict):
    """Both sides of one COPY under one rule set: their digests, and whether they are the same."""

    rules: str
    first: str | None = Field(description="null if it is not known")
    second: str | None = Field(description="null if it is not known")
    sameness: Sameness
    why: str | None = Field(description="the reason if that is not known")


class FieldShown(Strict):
    """One field of a file in which the sides differ, and the rule sets that hash it."""

    path: str
    field: str
    first: str
    second: str
    rules: tuple[str, ...]


class CopyShown(Strict):
    """One COPY, ADD or RUN that mounts files: an answer for each rule set, and the fields of its files that differ."""

    instruction: str
    stage: str = Field(description="as BuildKit prints it; empty if there is one stage only")
    answers: tuple[AnswerShown, ...] = Field(description="none if the files are not known at all")
    differences: tuple[FieldShown, ...]
    leads: tuple[tuple[str, str], ...] = Field(
        description="where a source leads on either side, for each source that leads to different objects"
    )
    unclear: str | None = Field(description="the reason if the files are not known at all")
    sameness: Sameness


class AgainstDocument(Strict):
    """What `lab why --against --json` prints; `first` is the side that --against names, `second` the context.

    The sameness of a COPY is that under the rule set of the engine.
    """

    version: Literal[1] = Field(default=1, alias="schema")
    context: str
    against: str
    engine: str
    rules: str
    copies: tuple[CopyShown, ...]


def copy_document(item: CopyComparison, rules: str | None = None) -> dict[str, Any]:
    """The comparison of one COPY as JSON values, with its sameness under one rule set, or under all."""
    return _copy(item, rules).model_dump(mode="json")


def against_document(
    context: str, against: str, engine: str, rules: str, found: Sequence[CopyComparison]
) -> dict[str, Any]:
    """The document as JSON values."""
    copies = tuple(_copy(item, rules) for item in found)
    value = AgainstDocument(context=context, against=against, engine=engine, rules=rules, copies=copies)
    return value.model_dump(mode="json", by_alias=True)


def against_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `against_document`."""
    return published(AgainstDocument)


def _copy(item: CopyComparison, rules: str | None) -> CopyShown:
    return CopyShown(
        instruction=item.instruction,
        stage=item.stage,
        answers=tuple(AnswerShown(**asdict(answer)) for answer in item.answers),
        differences=tuple(
            FieldShown(path=row.path, field=row.field, first=row.producer, second=row.consumer, rules=row.rules)
            for row in item.differences
        ),
        leads=item.leads,
        unclear=item.unclear,
        sameness=item.sameness(rules),
    )
