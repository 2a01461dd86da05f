"""Tries changes of the consumer's files until the producer's cache lists their record: single changes, then pairs."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from lab.buildkit.contenthash.compare import FieldDifference, compare
from lab.buildkit.contenthash.entry import Chunk, Entry
from lab.buildkit.contenthash.query import Query, content_part, content_record
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree
from lab.errors import ContextError
from lab.explain.search.case import Case, begin
from lab.explain.search.stages import Candidate, Hypothesis, applied, stages
from lab.explain.search.usual import Usual

LOOK_EVERY = 64  # candidates between two checks of the time
LARGE = 8 << 20  # bytes of a file from which on its reading checks the time
PROGRESS_EVERY = 0.25  # seconds between two calls of `progress`
MANY = 3  # equal differences up to this number are named one by one


@dataclass(frozen=True, slots=True)
class Looking:
    """The progress of a search: the current stage, the number of candidates tried, and the seconds so far."""

    stage: str
    tried: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A change that leads to a listed record: the fields with the producer's values, and the rule set.

    Without differences, the record is that of the unchanged files. `alike` are all rule sets that give the same record
    for the producer's files; they include `rules`.
    """

    record: str
    rules: Rules
    differences: tuple[FieldDifference, ...]
    alike: tuple[Rules, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a search: `finding` is None if nothing was found; `complete` is True if all candidates were tried."""

    finding: Finding | None
    tried: int
    seconds: float
    complete: bool


def search(
    entries: Sequence[Entry],
    queries: Sequence[Query],
    rules: Rules,
    wanted: Collection[str],
    usual: Usual,
    *,
    others: Sequence[Rules] = (),
    limit: float = 30.0,
    progress: Callable[[Looking], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Search for the producer's files, given the consumer's files, the sources of one COPY and its listed records.

    The search tries the unchanged files (also under `others`), changes of all objects, changes of one object (usual
    changes first), objects that only one side has, and pairs of changes. It then tries the changes under `others`.
    `limit` is in seconds. ContextError if the COPY has no digest under `rules`.
    """
    listed = frozenset(wanted)
    watch = _Watch(limit, progress, clock)
    try:
        case = begin([watch.over(entry) for entry in entries], queries, rules)
        for stage, tested, candidates in _all_stages(case, others, usual):
            watch.stage = stage
            for record, hypothesis in candidates:
                watch.count()
                if record in listed and record is not None:
                    return Result(_finding(case, hypothesis, record, tested, others), watch.tried, watch.seconds, False)
    except _TimeIsUp:
        return Result(None, watch.tried, watch.seconds, False)
    return Result(None, watch.tried, watch.seconds, True)


class _TimeIsUp(Exception):
    """Ends a search from any call depth; it is not an error."""


class _Watch:
    """Counts candidates, checks the time at intervals, and reports the progress."""

    def __init__(self, limit: float, progress: Callable[[Looking], None] | None, clock: Callable[[], float]) -> None:
        self.stage = "reading the files"
        self.tried = 0
        self._limit = limit
        self._progress = progress
        self._clock = clock
        self._started = clock()
        self._reported = 0.0

    @property
    def seconds(self) -> float:
        """The seconds since the search began."""
        return self._clock() - self._started

    def count(self) -> None:
        """Count one more candidate."""
        self.tried += 1
        if self.tried % LOOK_EVERY == 0:
            self.look()

    def look(self) -> None:
        """Raise _TimeIsUp after the limit; otherwise report the progress if PROGRESS_EVERY seconds have passed."""
        seconds = self.seconds
        if seconds > self._limit:
            raise _TimeIsUp
        if self._progress and seconds - self._reported >= PROGRESS_EVERY:
            self._reported = seconds
            self._progress(Looking(self.stage, self.tried, seconds))

    def over(self, entry: Entry) -> Entry:
        """Return the object with a content whose reading stops at the limit, because a large file may take long."""
        content = entry.content
        if not callable(content) or entry.size < LARGE:
            return entry
        return replace(entry, content=partial(self._read, content))

    def _read(self, content: Callable[[], Iterable[Chunk]]) -> Iterator[Chunk]:
        for chunk in content():
            self.look()
            yield chunk


def _all_stages(case: Case, others: Sequence[Rules], usual: Usual) -> Iterator[tuple[str, Rules, Iterator[Candidate]]]:
    """Yield all stages: the unchanged files under each rule set come first, other rule sets' changes come last."""
    elsewhere = [other for other in (_under(case, rules) for rules in others) if other]
    for number, (stage, candidates) in enumerate(stages(case, usual)):
        yield stage, case.rules, candidates
        if number == 0:
            for other in elsewhere:
                yield (
                    f"the files as they are under {other.rules.name}",
                    other.rules,
                    iter([(other.record, Hypothesis())]),
                )
    for other in elsewhere:
        for number, (stage, candidates) in enumerate(stages(other, usual)):
            if number:
                yield f"{stage}, under {other.rules.name}", other.rules, candidates


def _under(case: Case, rules: Rules) -> Case | None:
    try:
        return begin(case.entries, case.queries, rules)
    except ContextError:
        return None


def _finding(case: Case, hypothesis: Hypothesis, record: str, tested: Rules, others: Sequence[Rules]) -> Finding:
    """Return the finding for a hypothesis that leads to a listed record; `case` is the consumer's case."""
    differences = tuple(_summed_up(_differences(case, hypothesis, [case.rules, *others])))
    if tested == case.rules:
        return Finding(record, tested, differences, (tested,))
    theirs = applied(case.entries, hypothesis)
    alike = tuple(rules for rules in others if rules == tested or _record_of(theirs, case.queries, rules) == record)
    return Finding(record, tested, differences, alike)


def _record_of(entries: Sequence[Entry], queries: Sequence[Query], rules: Rules) -> str | None:
    try:
        part = content_part(Tree.read(entries, rules), queries, rules)
        return content_record(part.text) if part else None
    except ContextError:
        return None


def _differences(case: Case, hypothesis: Hypothesis, rules: Sequence[Rules]) -> list[FieldDifference]:
    """Return the fields that the hypothesis changes; an unchanged content is the same Python object on both sides."""
    used = [entry for number, entry in enumerate(case.entries) if number in case.leaves]
    changed = set(hypothesis.all_changes())
    theirs = applied(case.entries, hypothesis)
    ours = [entry for number, entry in enumerate(case.entries) if number in case.leaves or number in changed]
    kept = {entry.path for entry in (*used, *ours)} | ({hypothesis.more.path} if hypothesis.more else set())
    return compare([entry for entry in theirs if entry.path in kept], ours, rules)


def _summed_up(differences: list[FieldDifference]) -> Iterator[FieldDifference]:
    """Combine equal differences of many objects into one that names the first object and counts the others."""
    alike: dict[tuple[str, str, str], list[FieldDifference]] = {}
    for item in differences:
        alike.setdefault((item.field, item.producer, item.consumer), []).append(item)
    for group in alike.values():
        if len(group) <= MANY:
            yield from group
        else:
            yield replace(group[0], path=f"{group[0].path} and {len(group) - 1} more")
