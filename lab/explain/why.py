"""Whether each COPY of a Dockerfile would hit an image's inline cache, and if not, what the producer's files were."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.inline import decode
from lab.buildkit.cachekeys.plan import Plan, Step, first_image, plan
from lab.buildkit.cachekeys.solver import Decision, Reason, solve
from lab.buildkit.cachekeys.state import Options
from lab.buildkit.contenthash.entry import Entry
from lab.buildkit.contenthash.query import content_part, content_record
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree
from lab.buildkit.rulebook import Known
from lab.errors import ContextError
from lab.explain.predict import base_images
from lab.explain.search.search import Looking, Result, search
from lab.explain.search.usual import Usual
from lab.model import Outcome
from lab.results.run import ImageFacts


@dataclass(frozen=True, slots=True)
class Question:
    """A Dockerfile with its context, the engine that would build it, and the image that it would use as its cache."""

    dockerfile: str
    entries: Sequence[Entry]
    engine: Known
    image: ImageFacts
    base: ImageFacts | None
    platform: tuple[str, str] = ("linux", "amd64")
    options: Options = field(default_factory=Options)
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One COPY or ADD: its predicted outcome, why, whether its files are listed, and what a search found.

    `listed` says whether the digest of its files is in the cache; it is None where the digest is not known, and
    `problem` says why. `found` is None where nothing was searched. `writers` are the Docker versions that write the
    first step that misses as the cache has it, where the chosen engine does not. `makers` are those that make the
    digest found from the producer's files, where the chosen engine makes another.
    """

    instruction: str
    outcome: Outcome
    sentence: str
    listed: bool | None
    digest: str | None = None
    record: str | None = None
    problem: str | None = None
    found: Result | None = None
    writers: tuple[str, ...] = ()
    makers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Searching:
    """How to search: usual values, other rules that the producer's engine may have followed, seconds for each COPY.

    `known` are the Docker versions that may have written the cache.
    """

    usual: Usual
    others: Sequence[Rules] = ()
    known: Sequence[tuple[str, Known]] = ()
    limit: float = 30.0
    progress: Callable[[str, Looking], None] | None = None


def answers(question: Question, searching: Searching) -> list[Answer]:
    """An answer for each COPY and ADD of the stage that is built; ReadError for a malformed Dockerfile or cache.

    A COPY after one that misses runs whatever its files are; its own files are compared all the same.
    """
    cache = None if question.image.cache is None else decode(question.image.cache)
    tree = Tree.read(question.entries, question.engine.rules)
    steps = _steps(question, cache, question.engine.dialect, tree)
    decisions = solve((cache,), steps) if cache else [_without(step) for step in steps.steps]
    first = next((place for place, item in enumerate(decisions) if item.outcome is Outcome.RAN), None)
    writers: tuple[str, ...] = ()
    if cache and first is not None and decisions[first].reason in (Reason.DEFINITION, Reason.LINK):
        writers = _writers(question, cache, tree, first, searching.known)
    found = []
    for place, decision in enumerate(decisions):
        if decision.step.copy is None:
            continue
        answer = _answer(decision, question, cache, tree, searching)
        if cache and first is not None and place > first:
            lost = decisions[first]
            answer = replace(answer, sentence=f"{lost.step.text} would run before it: {lost.sentence}")
        found.append(replace(answer, writers=writers) if answer.outcome is Outcome.RAN else answer)
    return found


def _steps(question: Question, cache: Cache | None, dialect: Dialect | None, tree: Tree) -> Plan:
    parsed = dockerfiles.parse(question.dockerfile)
    first = first_image(parsed, question.options, question.target)
    named = {} if question.base is None or first is None else {first: question.base}
    options = replace(question.options, platform="/".join(question.platform))
    bases = base_images(parsed, question.image, named, cache, question.platform, options, question.target)

    def record(copy: Copy) -> str | None:
        part = content_part(tree, copy.queries, question.engine.rules)
        return None if part is None else content_record(part.text)

    return plan(parsed, bases, dialect, record, options, question.target)


def _writers(
    question: Question, cache: Cache, tree: Tree, place: int, known: Sequence[tuple[str, Known]]
) -> tuple[str, ...]:
    """The Docker versions with which the step at a place, and all before it, would hit."""
    found = []
    for versions, engine in known:
        if engine.dialect is None or engine.dialect == question.engine.dialect:
            continue
        decisions = solve((cache,), _steps(question, cache, engine.dialect, tree))
        if decisions[place].outcome is Outcome.HIT:
            found.append(versions)
    return tuple(found)


def _without(step: Step) -> Decision:
    return Decision(step, Outcome.RAN, Reason.DEFINITION, "the image has no inline cache")


def _answer(decision: Decision, question: Question, cache: Cache | None, tree: Tree, searching: Searching) -> Answer:
    step, copy = decision.step, decision.step.copy
    assert copy is not None  # the caller passes only steps that copy
    if not copy.from_context:
        why = f"it copies from {copy.origin}, not from the context"
        return Answer(step.text, decision.outcome, decision.sentence, None, problem=why)
    if copy.unclear:
        return Answer(step.text, decision.outcome, decision.sentence, None, problem=f"not known here: {copy.unclear}")
    try:
        part = content_part(tree, copy.queries, question.engine.rules)
        digest = None if part is None else part.text
    except ContextError as error:
        return Answer(step.text, Outcome.UNKNOWN, decision.sentence, None, problem=error.message)
    if digest is None:
        return Answer(step.text, decision.outcome, decision.sentence, None, problem=step.unclear)
    wanted = _wanted(cache, step.record)
    mine = content_record(digest)
    answer = Answer(step.text, decision.outcome, decision.sentence, mine in wanted, digest, mine)
    if mine in wanted or not wanted:
        return answer
    return _searched(answer, question, copy, wanted, searching)


def _wanted(cache: Cache | None, definition: str | None) -> Collection[str]:
    """The content records with which the COPY is listed; all possible ones where its definition is not listed."""
    if cache is None:
        return ()
    found = cache.contents(definition) if definition else frozenset()
    return found or frozenset(item.digest for item in cache.records if not item.inputs and not item.has_result)


def _searched(answer: Answer, question: Question, copy: Copy, wanted: Collection[str], searching: Searching) -> Answer:
    report = searching.progress
    progress = (lambda looking: report(answer.instruction, looking)) if report else None
    try:
        found = search(
            question.entries,
            copy.queries,
            question.engine.rules,
            wanted,
            searching.usual,
            others=searching.others,
            limit=searching.limit,
            progress=progress,
        )
    except ContextError as error:
        return Answer(answer.instruction, answer.outcome, answer.sentence, False, problem=error.message)
    finding = found.finding
    names = {rules.name for rules in finding.alike} if finding and finding.rules != question.engine.rules else set()
    makers = tuple(versions for versions, known in searching.known if known.rules.name in names)
    return replace(answer, found=found, makers=makers)
