"""Whether each COPY of a Dockerfile would hit an image's inline cache, and if not, what the producer's files were."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from lab.cachekeys import dockerfile as dockerfiles
from lab.cachekeys.copying import Copy
from lab.cachekeys.inline import InlineCache, decode
from lab.cachekeys.plan import Step, plan
from lab.cachekeys.solver import Decision, Reason, solve
from lab.cachekeys.state import Options
from lab.contenthash.entry import Entry
from lab.contenthash.query import content_part, content_record
from lab.contenthash.rules import Rules
from lab.contenthash.tree import Tree
from lab.errors import ContextError
from lab.explain.predict import base_image
from lab.model import Outcome
from lab.results import ImageFacts
from lab.rulebook import Known
from lab.tweaks.search import Looking, Result, search
from lab.tweaks.usual import Usual


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a Dockerfile over a context, the engine that would build it, and the image whose cache it has."""

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

    `listed` is None where the digest of its files is not known; `problem` then says why. `found` is None where nothing
    was searched for.
    """

    instruction: str
    outcome: Outcome
    sentence: str
    listed: bool | None
    digest: str | None = None
    record: str | None = None
    problem: str | None = None
    found: Result | None = None


@dataclass(frozen=True, slots=True)
class Searching:
    """How to search: usual values, other rules that the producer may have had, seconds for each COPY."""

    usual: Usual
    others: Sequence[Rules] = ()
    limit: float = 30.0
    progress: Callable[[str, Looking], None] | None = None


def answers(question: Question, searching: Searching) -> list[Answer]:
    """An answer for each COPY and ADD of the stage that is built; ReadError for a malformed Dockerfile or cache.

    A COPY after one that misses runs whatever its files are; they are looked at all the same.
    """
    parsed = dockerfiles.parse(question.dockerfile)
    cache = None if question.image.cache is None else decode(question.image.cache)
    base = base_image(parsed, question.image, question.base, cache, question.platform)
    rules = question.engine.rules
    tree = Tree.read(question.entries, rules)

    def record(copy: Copy) -> str | None:
        part = content_part(tree, copy.queries, rules)
        return None if part is None else content_record(part.text)

    planned = plan(parsed, base, question.engine.dialect, record, question.options, question.target)
    decisions = solve(cache, planned) if cache else [_without(step) for step in planned.steps]
    return [
        _answer(decision, question, cache, tree, searching) for decision in decisions if decision.step.copy is not None
    ]


def _without(step: Step) -> Decision:
    return Decision(step, Outcome.RAN, Reason.DEFINITION, "the image has no inline cache")


def _answer(
    decision: Decision, question: Question, cache: InlineCache | None, tree: Tree, searching: Searching
) -> Answer:
    step, copy = decision.step, decision.step.copy
    assert copy is not None  # the caller asks for no other steps
    if not copy.from_context:
        why = f"it copies from {copy.origin}, not from the context"
        return Answer(step.text, decision.outcome, decision.sentence, None, problem=why)
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


def _wanted(cache: InlineCache | None, definition: str | None) -> Collection[str]:
    """The content records with which the COPY is listed; where its definition is not known, or not listed, all that
    could be contents.
    """
    if cache is None:
        return ()
    found = cache.contents(definition) if definition else frozenset()
    return found or frozenset(item.digest for item in cache.records if not item.inputs and not item.has_result)


def _searched(answer: Answer, question: Question, copy: Copy, wanted: Collection[str], searching: Searching) -> Answer:
    told = searching.progress
    progress = (lambda looking: told(answer.instruction, looking)) if told else None
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
    return Answer(answer.instruction, answer.outcome, answer.sentence, False, answer.digest, answer.record, None, found)
