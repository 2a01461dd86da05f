"""A diagnosis of a build as text for a terminal: the cause first, then each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from lab.counting import counted
from lab.explain.explanation import Role
from lab.explain.question import Question
from lab.explain.search.search import Result
from lab.explain.why import Answer, Diagnosis
from lab.model import Outcome
from lab.registry.found import FoundCache
from lab.report import printable

WIDTH = 100
MOST_NAMES = 12  # rules of a search that are listed
WORDS = {Outcome.HIT: "would hit", Outcome.RAN: "would run", Outcome.UNKNOWN: "is not known"}
Filled = Callable[..., list[str]]


def why_text(
    sources: Sequence[FoundCache], question: Question, diagnosis: Diagnosis, *, assumed: bool, width: int = WIDTH
) -> list[str]:
    """Lines on the caches, the cause in a sentence, then some lines for each step."""
    filled = partial(printable.filled, width=width)
    engine = question.engine.title + (" (the newest known; --engine names yours)" if assumed else "")
    names = ", ".join(source.name for source in sources)
    rows = filled(f"{names}, built here with {engine}, rules {question.engine.rules.name}", "  ", first="")
    for text in [*caches(sources, question), *diagnosis.remarks]:
        rows += filled(text, "  ")
    rows += ["", *filled(title(diagnosis), ""), ""]
    for number, item in enumerate(diagnosis.steps):
        mark = ": the cause" if number == diagnosis.cause and len(diagnosis.of(Outcome.RAN)) > 1 else ""
        mark = f": {depends}" if (depends := dependence(item, diagnosis)) else mark
        rows += filled(f"{label(item)}  {WORDS[item.outcome]}{mark}", "    ", first="")
        rows += _below(item, diagnosis, filled)
    return rows


def dependence(item: Answer, diagnosis: Diagnosis) -> str:
    """On which step one depends that runs or is unknown because of it, by its number; empty for any other step."""
    if item.lost is None:
        return ""
    lost = diagnosis.steps[item.lost]
    return f"depends on {lost.place if lost.place.total else lost.instruction}"


def title(diagnosis: Diagnosis) -> str:
    """The answer in a sentence: how many steps would run, and because of which."""
    steps = diagnosis.steps
    if not steps:
        return "the Dockerfile has no step that is looked up in a cache"
    ran, unknown = len(diagnosis.of(Outcome.RAN)), len(diagnosis.of(Outcome.UNKNOWN))
    doubt = f", and {unknown} {'is' if unknown == 1 else 'are'} not known" if unknown else ""
    if not ran:
        every = "the only step" if len(steps) == 1 else f"all {len(steps)} steps"
        return f"no step is predicted to run{doubt}" if unknown else f"{every} would hit"
    text = f"{ran} of {counted(len(steps), 'step')} would run{doubt}"
    if diagnosis.cause is None:
        return text
    cause = steps[diagnosis.cause]
    return f"{text}; the cause is {label(cause)}: {reason(cause)}"


def label(item: Answer) -> str:
    """The step by its place and its instruction."""
    return f"{item.place} {item.instruction}".strip()


def reason(item: Answer) -> str:
    """Why a step would do what it does: what a search found of the producer's files, else the solver's reason."""
    finding = item.found.finding if item.found else None
    differences = finding.differences if finding else ()
    if item.role is not Role.CAUSE or finding is None or not differences:
        return item.sentence
    if finding.sentence:
        return finding.sentence
    first, more = differences[0], len(differences) - 1
    text = f"{first.field} of {first.path}: {first.producer} at the producer, {first.consumer} here"
    return text + (f", and {more} more {'differ' if more > 1 else 'differs'}" if more else "")


def caches(sources: Sequence[FoundCache], question: Question) -> list[str]:
    """A line for each fact on the caches that a reader must know: no cache, another platform, a problem."""
    lines = []
    for source in sources:
        name = f"{source.name}: " if len(sources) > 1 else ""
        if source.problem:
            lines.append(f"{name}{source.problem}")
        elif source.image is not None and not source.caches:
            lines.append(f"{name}it has no inline cache: build it with --build-arg BUILDKIT_INLINE_CACHE=1")
        else:
            lines.append(f"{name}{source.kind}, {source.count} record{'s' * (source.count != 1)}")
        own = (source.image.os, source.image.architecture) if source.image else question.platform
        if own != question.platform:
            built = "/".join(question.platform)
            lines.append(f"{name}it is an image for {'/'.join(own)}, and what is built here is for {built}")
    return lines


def _below(item: Answer, diagnosis: Diagnosis, filled: Filled) -> list[str]:
    """What stands below a step's line; nothing below a hit, or a step that another one decides about."""
    rows: list[str] = []
    if item.lost is not None and item.listed is not False:
        return rows
    if item.outcome is not Outcome.HIT and item.lost is None:
        rows += filled(item.sentence, "  ")
    if item.writers:
        line = f"the cache has this step as Docker {', '.join(item.writers)} write it"
        rows += filled(f"{line}; --engine names the Docker that builds here", "  ")
    if (count := item.dependents) and item.role is Role.CAUSE:
        rows += filled(f"{count} more step{'s' * (count > 1)} would run because of it", "  ")
    return rows + files(item, filled)


def files(item: Answer, filled: Filled) -> list[str]:
    """Lines on the files of a COPY: whether they are the producer's, and what was found of the producer's."""
    if item.problem and item.problem not in item.sentence:
        return filled(item.problem, "  ")
    if item.listed is None or item.outcome is Outcome.HIT:
        return []
    if item.listed:
        return filled(f"its files are those of the producer: {item.record} is listed", "  ")
    how = "is listed, but not linked to this step" if item.elsewhere else "is not listed"
    rows = filled(f"its files are not those of the producer: {item.record} {how}", "  ")
    if item.found is None:
        return rows
    result = item.found
    tried = f"{counted(result.tried, 'candidate')} in {result.seconds:.2f} s"
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
    for difference in result.finding.instead:
        text = f"{difference.path}: {difference.field}: {difference.producer}; here it is {difference.consumer}"
        rows += filled(f"or, if its engine has the rules of this one, {text}", "      ", first="    - ")
    if result.finding.instead:
        rows += filled("the cache does not tell which of them is true", "      ", first="    - ")
    if item.makers:
        rows += filled(f"so do Docker {', '.join(item.makers)}", "      ", first="    - ")
    if result.finding.remedies:
        rows += filled("what to do; each was tried on the records of both sides, and gives the same digest:", "  ")
    for remedy in result.finding.remedies:
        rows += filled(remedy.text, "      ", first="    - ")
    return rows


def _not_found(result: Result, filled: Filled) -> list[str]:
    """What was tried, what could not be tried, and what a search cannot find."""
    names = sorted(result.names, key=lambda item: -item.count)[:MOST_NAMES]
    rows = filled(f"tried: {'; '.join(f'{item.name} ({item.count})' for item in names)}", "  ")
    for line in result.skipped:
        rows += filled(f"not tried: {line}", "  ")
    for line in result.hints:
        rows += filled(line, "  ")
    return rows
