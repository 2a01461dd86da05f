"""JSON of a diagnosis for tools, in the schema that `lab schema why` publishes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from lab.buildkit.contenthash.compare import FieldDifference
from lab.explain.question import Question
from lab.explain.search.search import Result
from lab.explain.why import Answer, Diagnosis
from lab.registry.found import FoundCache
from lab.report.published import hidden_values
from lab.report.shown import SourceShown, StepBasics, basics, published, source_shown
from lab.report.why import title
from lab.yamlfile import Strict


class DifferenceShown(Strict):
    """One field of a file in which the producer's files differ, and the rule sets that hash it."""

    path: str
    field: str
    producer: str
    consumer: str
    rules: tuple[str, ...]


class FoundShown(Strict):
    """What the producer's files were: the listed record, rule sets, Docker versions, and the fields that differ."""

    record: str
    rules: str
    rule_sets: tuple[str, ...]
    docker: tuple[str, ...]
    sentence: str = Field(description="the difference in a sentence, where one rule makes all differences; else empty")
    differences: tuple[DifferenceShown, ...]
    instead: tuple[DifferenceShown, ...] = Field(
        description="what differs if the producer's engine has the rules of this one; the cache does not tell which"
    )
    remedies: tuple[str, ...] = Field(description="what was tried on the records of both sides and gives one digest")


class SearchShown(Strict):
    """A search: how many candidates were tried in how many seconds, whether all were, and what was found."""

    tried: int
    seconds: float
    complete: bool
    skipped: tuple[str, ...] = Field(description="what could not be tried, and why")
    hints: tuple[str, ...] = Field(description="differences that a search cannot find")
    found: FoundShown | None


class StepShown(StepBasics):
    """One step, with the number of steps that depend on it, what was looked up of its files, and a search."""

    dependents: int
    files_listed: bool | None
    digest: str | None
    record: str | None
    problem: str | None
    written_by: tuple[str, ...]
    search: SearchShown | None


class WhyDocument(Strict):
    """What `lab why --json` prints; `cause` is the number of a step, from 0."""

    version: Literal[2] = Field(default=2, alias="schema")
    title: str
    caches: tuple[SourceShown, ...]
    inline_cache: bool = Field(description="whether all caches that were read are the inline caches of images")
    engine: str
    rules: str
    platform: str
    target: str | None
    cause: int | None
    remarks: tuple[str, ...]
    steps: tuple[StepShown, ...]


def why_document(sources: Sequence[FoundCache], question: Question, diagnosis: Diagnosis) -> dict[str, Any]:
    """The document as JSON values, with placeholders for secrets."""
    value = WhyDocument(
        title=title(diagnosis),
        caches=tuple(map(source_shown, sources)),
        inline_cache=bool(question.caches) and question.inline,
        engine=question.engine.name,
        rules=question.engine.rules.name,
        platform="/".join(question.platform),
        target=question.target,
        cause=diagnosis.cause,
        remarks=diagnosis.remarks,
        steps=tuple(_step(item) for item in diagnosis.steps),
    )
    return hidden_values(value.model_dump(mode="json", by_alias=True))


def why_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `why_document`."""
    return published(WhyDocument)


def _step(item: Answer) -> StepShown:
    return StepShown(
        **basics(item),
        dependents=item.dependents,
        files_listed=item.listed,
        digest=item.digest,
        record=item.record,
        problem=item.problem,
        written_by=item.writers,
        search=_search(item.found, item.makers) if item.found else None,
    )


def _search(result: Result, makers: tuple[str, ...]) -> SearchShown:
    finding = result.finding
    found = None
    if finding:
        found = FoundShown(
            record=finding.record,
            rules=finding.rules.name,
            rule_sets=tuple(rules.name for rules in finding.alike),
            docker=makers,
            sentence=finding.sentence or "",
            remedies=tuple(remedy.text for remedy in finding.remedies),
            differences=tuple(map(_difference, finding.differences)),
            instead=tuple(map(_difference, finding.instead)),
        )
    return SearchShown(
        tried=result.tried,
        seconds=round(result.seconds, 3),
        complete=result.complete,
        skipped=result.skipped,
        hints=result.hints,
        found=found,
    )


def _difference(item: FieldDifference) -> DifferenceShown:
    return DifferenceShown(
        path=item.path, field=item.field, producer=item.producer, consumer=item.consumer, rules=item.rules
    )
