"""Try what a producer's files may have been until one of its listed records appears: single changes, then pairs."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from lab.causes import FieldDifference
from lab.contenthash.compare import compare
from lab.contenthash.entry import Entry
from lab.contenthash.query import Query
from lab.contenthash.rules import Rules
from lab.errors import ContextError
from lab.tweaks.case import Case, begin
from lab.tweaks.stages import Candidate, Guess, guessed, stages
from lab.tweaks.usual import Usual

LOOK_EVERY = 64  # candidates between two looks at the clock
TOLD_EVERY = 0.25  # seconds between two calls of `progress`
MANY = 3  # alike differences that are still named one by one


@dataclass(frozen=True, slots=True)
class Looking:
    """How far a search is: what it tries, how many candidates it has tried, for how many seconds."""

    stage: str
    tried: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What makes a listed record appear: the fields with the producer's values, and the rules it appears under.

    No differences, and the consumer's own rules, mean that the record is listed for the files as they are.
    """

    record: str
    rules: Rules
    differences: tuple[FieldDifference, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a search: `finding` is None if nothing was found, `complete` if that is so after all candidates."""

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
    """Search for the producer's files, given the consumer's, the sources of one COPY and the records listed for it.

    Tried are: the files as they are, under `others` too; changes of all objects; changes of one, usual ones first;
    objects that only one side has; pairs of changes; then singles again under `others`. `limit` is in seconds.
    ContextError if the COPY has no digest under `rules`.
    """
    listed = frozenset(wanted)
    case = begin(entries, queries, rules)
    started, told, tried = clock(), 0.0, 0
    for stage, tested, candidates in _all_stages(case, others, usual):
        for record, guess in candidates:
            tried += 1
            if record in listed and record is not None:
                differences = tuple(_summed_up(_differences(case, guess, [rules, *others])))
                return Result(Finding(record, tested, differences), tried, clock() - started, False)
            if tried % LOOK_EVERY:
                continue
            seconds = clock() - started
            if seconds > limit:
                return Result(None, tried, seconds, False)
            if progress and seconds - told >= TOLD_EVERY:
                told = seconds
                progress(Looking(stage, tried, seconds))
    return Result(None, tried, clock() - started, True)


def _all_stages(case: Case, others: Sequence[Rules], usual: Usual) -> Iterator[tuple[str, Rules, Iterator[Candidate]]]:
    """The stages under the consumer's rules; the files as they are under other rules come second, the rest last."""
    elsewhere = [other for other in (_under(case, rules) for rules in others) if other]
    for number, (stage, candidates) in enumerate(stages(case, usual)):
        yield stage, case.rules, candidates
        if number == 0:
            for other in elsewhere:
                yield f"the files as they are under {other.rules.name}", other.rules, iter([(other.record, Guess())])
    for other in elsewhere:
        for number, (stage, candidates) in enumerate(stages(other, usual)):
            if number:
                yield f"{stage}, under {other.rules.name}", other.rules, candidates


def _under(case: Case, rules: Rules) -> Case | None:
    try:
        return begin(case.entries, case.queries, rules)
    except ContextError:
        return None


def _differences(case: Case, guess: Guess, rules: Sequence[Rules]) -> list[FieldDifference]:
    used = [entry for number, entry in enumerate(case.entries) if number in case.leaves]
    changed = set(guess.all_changes())
    theirs = guessed(case.entries, guess)
    ours = [entry for number, entry in enumerate(case.entries) if number in case.leaves or number in changed]
    kept = {entry.path for entry in (*used, *ours)} | ({guess.more.path} if guess.more else set())
    return compare([entry for entry in theirs if entry.path in kept], ours, rules)


def _summed_up(differences: list[FieldDifference]) -> Iterator[FieldDifference]:
    """Differences that are alike on many objects as one, which names the first and counts the others."""
    alike: dict[tuple[str, str, str], list[FieldDifference]] = {}
    for item in differences:
        alike.setdefault((item.field, item.producer, item.consumer), []).append(item)
    for group in alike.values():
        if len(group) <= MANY:
            yield from group
        else:
            yield replace(group[0], path=f"{group[0].path} and {len(group) - 1} more")
