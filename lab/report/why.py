"""Whether each COPY would hit, as text for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from lab.explain.search.search import Result
from lab.explain.why import Answer, Question
from lab.report import printable

WIDTH = 100
MOST_NAMES = 12  # rules that are listed


def why_text(
    image: str, question: Question, answers: Sequence[Answer], *, assumed: bool, width: int = WIDTH
) -> list[str]:
    """A line on the question, then some lines for each COPY."""
    filled = partial(printable.filled, width=width)
    engine = f"Docker {question.engine.name}" + (" (the newest known; --engine names yours)" if assumed else "")
    rows = filled(f"{image}, built here with {engine}, rules {question.engine.rules.name}", "")
    own = (question.image.os, question.image.architecture)
    if own != question.platform:
        text = f"it is an image for {'/'.join(own)}, and what is built here is for {'/'.join(question.platform)}"
        rows += filled(f"{text}: --platform names another one", "  ")
    if question.image.cache is None:
        rows += filled("it has no inline cache: build it with --build-arg BUILDKIT_INLINE_CACHE=1", "  ")
    if not answers:
        rows.append("no COPY and no ADD is in the Dockerfile")
    for item in answers:
        words = {"hit": "would hit", "ran": "would run", "unknown": "is not known"}
        rows += ["", *filled(f"{item.instruction}  {words[item.outcome.value]}", "")]
        rows += filled(item.sentence, "  ")
        if item.writers:
            line_ = f"the cache has that step as Docker {', '.join(item.writers)} write it"
            rows += filled(f"{line_}; --engine names the Docker that builds here", "  ")
        rows += _files(item, filled)
    return rows


def _files(item: Answer, filled: Callable[..., list[str]]) -> list[str]:
    if item.problem:
        return filled(item.problem, "  ")
    if item.listed is None:
        return []
    if item.listed:
        return filled(f"its files are those of the producer: {item.record} is listed", "  ")
    rows = filled(f"its files are not those of the producer: {item.record} is not listed", "  ")
    if item.found is None:
        return rows
    result = item.found
    tried = f"{result.tried} candidates in {result.seconds:.2f} s"
    if result.finding is None:
        end = "none of the usual values" if result.complete else "the time is up; --limit gives more"
        rows += filled(f"what the producer's files were is not found: {end} ({tried})", "  ")
        return [*rows, *_not_found(result, filled)]
    rules = ", ".join(rules.name for rules in result.finding.alike)
    rows += filled(f"found after {tried}, under {rules}; the producer's files had", "  ")
    if result.finding.sentence:
        rows += filled(result.finding.sentence, "      ", first="    - ")
    for difference in result.finding.differences if not result.finding.sentence else ():
        text = f"{difference.path}: {difference.field}: {difference.producer}; here it is {difference.consumer}"
        rows += filled(text, "      ", first="    - ")
    if not result.finding.differences:
        rows += filled("nothing else: its engine makes another digest of the same files", "      ", first="    - ")
    if item.makers:
        rows += filled(f"so do Docker {', '.join(item.makers)}", "      ", first="    - ")
    if result.finding.remedies:
        listed = "; ".join(remedy.text for remedy in result.finding.remedies)
        rows += filled(f"each of these gives the same digest: {listed}", "  ")
    return rows


def _not_found(result: Result, filled: Callable[..., list[str]]) -> list[str]:
    """What was tried, what could not be tried, and what a search cannot find."""
    names = sorted(result.names, key=lambda item: -item.count)[:MOST_NAMES]
    rows = filled(f"tried: {'; '.join(f'{item.name} ({item.count})' for item in names)}", "  ")
    for line in result.skipped:
        rows += filled(f"not tried: {line}", "  ")
    for line in result.hints:
        rows += filled(line, "  ")
    return rows
