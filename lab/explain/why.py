"""Why each step of a build would miss its caches: the cause, what depends on it, and what the producer's files were."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.frontend import NEWEST, moves
from lab.buildkit.cachekeys.needs import frontend_of
from lab.buildkit.cachekeys.solver import DOUBT, Decision, Reason
from lab.buildkit.contenthash.query import content_part, content_record
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.rulebook import Known
from lab.errors import ContextError
from lab.explain.explanation import Role
from lab.explain.foreign import foreign
from lab.explain.graph import dependents
from lab.explain.places import Place, places
from lab.explain.question import Question
from lab.explain.search.checkout import Checkout
from lab.explain.search.search import Result, search
from lab.explain.search.usual import Usual
from lab.explain.search.watch import Looking
from lab.model import Outcome

NO_CACHE = "no cache is imported, so every step would run"
DIFFERENT = (Reason.DEFINITION, Reason.LINK)  # reasons that another Docker version may be the cause of


@dataclass(frozen=True, slots=True)
class Answer:
    """One step: its place, its predicted outcome, its role, and the reason in a sentence.

    `lost` is the number of the step that decides about this one, because it would run or is not known. `dependents`
    counts the steps that would run because this one would. `listed` says whether the digest of the files that it takes
    is in the cache for this step; it is None where the digest is not known, and `problem` says why. `elsewhere` says
    whether it is in the cache at all. `found` is None where nothing was
    searched. `writers` are the Docker versions that write the step as the cache has it, where the chosen engine does
    not. `makers` are those that make the digest found from the producer's files, where the chosen engine makes another.
    """

    place: Place
    instruction: str
    outcome: Outcome
    role: Role
    sentence: str
    lost: int | None = None
    dependents: int = 0
    listed: bool | None = None
    elsewhere: bool = False
    digest: str | None = None
    record: str | None = None
    problem: str | None = None
    found: Result | None = None
    writers: tuple[str, ...] = ()
    makers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All steps of a build in their order, the number of the one that is the cause, and what is true of all of them.

    `cause` is None where no step would run, or where none of those that would has a cause of its own. `remarks` are
    proven facts on the caches as a whole.
    """

    steps: tuple[Answer, ...]
    cause: int | None = None
    remarks: tuple[str, ...] = ()

    def of(self, outcome: Outcome) -> tuple[Answer, ...]:
        """The steps with an outcome."""
        return tuple(step for step in self.steps if step.outcome is outcome)


@dataclass(frozen=True, slots=True)
class Searching:
    """How to search: usual values, other rules that the producer's engine may have followed, seconds for each COPY.

    `known` are the Docker versions that may have written the cache. `checkout` returns what git knows of the context.
    """

    usual: Usual
    others: Sequence[Rules] = ()
    known: Sequence[tuple[str, Known]] = ()
    limit: float = 30.0
    progress: Callable[[str, Looking], None] | None = None
    checkout: Callable[[], Checkout] | None = None


def diagnose(question: Question, searching: Searching | None = None) -> Diagnosis:
    """What each step of the build would do and why; ReadError for a malformed Dockerfile or cache.

    Without `searching`, nothing is searched and no other engine is tried.
    """
    decisions = question.decisions()
    running = {number for number, item in enumerate(decisions) if item.outcome is Outcome.RAN}
    weights = dependents(question.plan.steps, running)
    where = places(question.dockerfile, question.parsed, question.plan.steps, question.options, question.target)
    steps = []
    for number, decision in enumerate(decisions):
        answer = Answer(
            where[number],
            decision.step.printed or decision.step.text,
            decision.outcome,
            _role(decision),
            _sentence(decision, decisions, question),
            _lost(decision, decisions),
            weights[number],
        )
        answer = _with_files(answer, decision, question)
        if searching:
            answer = _searched(answer, decision, question, searching)
        steps.append(answer)
    if not question.caches:
        return Diagnosis(tuple(steps), None, (NO_CACHE,))
    cause = main_cause(steps)
    if searching and cause is not None and decisions[cause].reason in DIFFERENT:
        steps[cause] = replace(steps[cause], writers=_writers(question, cause, searching.known))
    return Diagnosis(tuple(steps), cause, (*foreign(question, decisions), *_assumptions(question)))


def _assumptions(question: Question) -> list[str]:
    """What the answer assumes beside the engine: an unread base image, the release of a moving tag, no warning."""
    syntax = question.parsed.syntax.split(" ")[0]
    found = [f"assumed: # syntax={syntax} is the newest release that lab knows, 1.{NEWEST}"] if moves(syntax) else []
    dialect = question.engine.dialect
    frontend = frontend_of(question.parsed, dialect, question.options) if dialect else ""
    if question.parsed.fails_by_warnings and (isinstance(frontend, str) or frontend.checks):
        found.append(
            "assumed: no build check gives a warning, which fails the build because of error=true in # check; "
            "`docker build --check` makes them"
        )
    if question.assumed:
        found.append(
            f"assumed: {question.assumed}, which cannot be read, is the base on which the image with the cache was "
            "built; if it is another image now, every step on it would run"
        )
    return found


def main_cause(steps: Sequence[Answer]) -> int | None:
    """The number of the step whose own key differs and on whose miss most others depend; of several, the first."""
    own = [number for number, step in enumerate(steps) if step.role is Role.CAUSE]
    return max(own, key=lambda number: (steps[number].dependents, -number), default=None)


def _role(decision: Decision) -> Role:
    if decision.outcome is Outcome.HIT:
        return Role.HIT
    if decision.outcome is not Outcome.RAN:
        return Role.UNKNOWN
    if decision.reason is Reason.NO_RESULT:
        return Role.NOT_HELD
    return Role.CONSEQUENCE if decision.reason is Reason.PARENT else Role.CAUSE


def _lost(decision: Decision, decisions: Sequence[Decision]) -> int | None:
    """The step that decides about one: a parent that has no record, or for an unknown step one that is not known."""
    if decision.outcome is not Outcome.UNKNOWN or not decision.sentence.startswith(DOUBT):
        return decision.lost_parent
    unknown = (number for number in decision.step.parents if decisions[number].outcome is Outcome.UNKNOWN)
    return next(unknown, None)


def _sentence(decision: Decision, decisions: Sequence[Decision], question: Question) -> str:
    lost = _lost(decision, decisions)
    if lost is not None:
        parent = decisions[lost]
        word = "would run" if parent.outcome is Outcome.RAN else "is not known"
        return f"it depends on {parent.step.printed or parent.step.text}, which {word}"
    if decision.reason is Reason.NO_RESULT and question.inline:
        return f"{decision.sentence}: an inline cache holds the layers of the image alone"
    return decision.sentence


def _writers(question: Question, place: int, known: Sequence[tuple[str, Known]]) -> tuple[str, ...]:
    """The Docker versions with which the step at a place, and all on which it depends, would hit."""
    others = {engine.dialect for _, engine in known} - {None, question.engine.dialect}
    hits = {dialect for dialect in others if question.decisions(dialect)[place].outcome is Outcome.HIT}
    return tuple(versions for versions, engine in known if engine.dialect in hits)


def _with_files(answer: Answer, decision: Decision, question: Question) -> Answer:
    """The answer with the digest of the files that the step takes from the context, and whether it is listed."""
    copy = question.request(decision.step)
    tree = question.tree_of(copy) if copy else None
    if copy is None or tree is None:
        return answer
    if copy.unclear:
        return replace(answer, problem=f"its files are not known here: {copy.unclear}")
    try:
        part = content_part(tree, copy.queries, question.engine.rules)
    except ContextError as error:
        return replace(answer, outcome=Outcome.UNKNOWN, role=Role.UNKNOWN, problem=error.message)
    if part is None:
        return replace(answer, problem=decision.step.unclear)
    mine = content_record(part.text)
    return replace(
        answer,
        listed=mine in _wanted(question, decision) if question.caches else None,
        elsewhere=any(cache.numbers(mine) for cache in question.caches),
        digest=part.text,
        record=mine,
    )


def _wanted(question: Question, decision: Decision) -> Collection[str]:
    """The content records with which the COPY is listed; all possible ones where its definition is not listed."""
    definition = decision.step.record
    found = {content for cache in question.caches for content in (cache.contents(definition) if definition else ())}
    return found or {
        item.digest for cache in question.caches for item in cache.records if not item.inputs and not item.has_result
    }


def _searched(answer: Answer, decision: Decision, question: Question, searching: Searching) -> Answer:
    """The answer with what the producer's files were, for a step whose files are not listed."""
    copy = question.request(decision.step)
    wanted = _wanted(question, decision)
    if copy is None or answer.listed is not False or not wanted:
        return answer
    report = searching.progress
    name = f"{answer.place} {answer.instruction}".strip()
    progress = (lambda looking: report(name, looking)) if report else None
    try:
        found = _search(question, copy, wanted, searching, progress)
    except ContextError as error:
        return replace(answer, problem=error.message)
    finding = found.finding
    names = {rules.name for rules in finding.alike} if finding and finding.rules != question.engine.rules else set()
    makers = tuple(versions for versions, known in searching.known if known.rules.name in names)
    return replace(answer, found=found, makers=makers)


def _search(
    question: Question,
    copy: Copy,
    wanted: Collection[str],
    searching: Searching,
    progress: Callable[[Looking], None] | None,
) -> Result:
    return search(
        question.files_of(copy) or (),
        copy.queries,
        question.engine.rules,
        wanted,
        searching.usual,
        others=searching.others,
        limit=searching.limit,
        progress=progress,
        checkout=None if copy.origin else searching.checkout,
    )
