"""Tries changes of the consumer's files until the producer's cache lists their record: rules on all objects first."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.buildkit.contenthash.query import Query
from lab.buildkit.contenthash.rules import Rules
from lab.errors import ContextError
from lab.explain.search.case import Case, begin
from lab.explain.search.checkout import NO_CHECKOUT, Checkout
from lab.explain.search.compound import Compound, used_by
from lab.explain.search.exceptions import exceptions
from lab.explain.search.finding import Finding, Guess, finding
from lab.explain.search.hints import hints
from lab.explain.search.naming import worlds
from lab.explain.search.stages import PLAIN, QUICK, Hypothesis, stages
from lab.explain.search.usual import Usual
from lab.explain.search.variants import LABEL
from lab.explain.search.watch import Looking, TimeIsUp, Tried, Watch

WHOLE = "rules on all objects"
LIKELY = 4  # the highest sum of ranks of the combinations that are tried before changes of single objects


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a search: `finding` is None if nothing was found; `complete` is True if all candidates were tried.

    `names` lists what was tried, with the number of candidates of each. `skipped` says which rules could not be tried,
    and why. `hints` are sentences on differences that a search cannot find.
    """

    finding: Finding | None
    tried: int
    seconds: float
    complete: bool
    names: tuple[Tried, ...] = ()
    skipped: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


Candidates = Iterable[tuple[str | None, Guess]]
Stage = tuple[str, Rules, Candidates]


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
    checkout: Callable[[], Checkout] | None = None,
) -> Result:
    """Search for the producer's files, given the consumer's files, the sources of one COPY and its listed records.

    The search tries the unchanged files, combinations of rules on all objects, changes of one object, exceptions to
    rules, and pairs of changes; each also under those `others` that may give another record. `checkout` returns what
    git knows of the context; it is called once, if the unchanged files are not listed. `limit` is in seconds.
    ContextError if the COPY has no digest under `rules`.
    """
    listed = frozenset(wanted)
    watch = Watch(limit, progress, clock)
    run = _Run(watch, queries, usual, checkout)
    try:
        case = begin([watch.over(entry) for entry in entries], queries, rules)
        for stage, tested, candidates in run.stages(case, others):
            watch.stage = stage
            for record, guess in candidates:
                watch.count(guess.names or (stage,))
                if record in listed and record is not None:
                    found = finding(case.entries, queries, guess, record, [rules, *others], tested, run.checkout)
                    if found:
                        return run.result(found, complete=False)
    except TimeIsUp:
        return run.result(None, complete=False)
    return run.result(None, complete=True, case=case)


class _Run:
    """One search: its stages in order, and its result."""

    def __init__(
        self, watch: Watch, queries: Sequence[Query], usual: Usual, checkout: Callable[[], Checkout] | None
    ) -> None:
        self.watch = watch
        self.queries = queries
        self.usual = usual
        self.read = checkout
        self.checkout = NO_CHECKOUT
        self.case: Case | None = None
        self._known: dict[Rules, list[Compound]] = {}

    def stages(self, case: Case, others: Sequence[Rules]) -> Iterator[Stage]:
        """Yield all stages: those that take little time come first, under each rule set that may differ."""
        self.case = case
        yield "the files as they are", case.rules, [(case.record, Hypothesis())]
        elsewhere = [other for other in (_under(case, rules) for rules in others) if other]
        for other in elsewhere:
            yield f"the files as they are under {other.rules.name}", other.rules, [(other.record, Hypothesis())]
        self.checkout = self.read() if self.read else NO_CHECKOUT
        for stages_of, signature in (
            (self._whole, _plain),
            (self._single, _plain),
            (self._exceptions, _plain),
            (self._quick, _full),
            (self._slow, _full),
        ):
            seen = set()
            for one in (case, *elsewhere):
                if signature(case, one.rules) in seen:
                    continue
                seen.add(signature(case, one.rules))
                under = "" if one is case else f", under {one.rules.name}"
                for stage, candidates in stages_of(one):
                    yield f"{stage}{under}", one.rules, candidates

    def _compounds(self, case: Case) -> list[Compound]:
        if case.rules not in self._known:
            self._known[case.rules] = [
                Compound(world, self.usual, self.queries, case.rules)
                for world in worlds(case.entries, used_by(case), self.checkout)
            ]
        return self._known[case.rules]

    def _whole(self, case: Case) -> Iterator[tuple[str, Candidates]]:
        for compound in self._compounds(case):
            yield WHOLE, compound.candidates(0, LIKELY)

    def _single(self, case: Case) -> Iterator[tuple[str, Candidates]]:
        yield from islice(stages(case, self.usual), 1, PLAIN)

    def _quick(self, case: Case) -> Iterator[tuple[str, Candidates]]:
        yield from islice(stages(case, self.usual), PLAIN, QUICK)

    def _exceptions(self, case: Case) -> Iterator[tuple[str, Candidates]]:
        for compound in self._compounds(case)[:1]:
            yield "rules on all objects, with exceptions", exceptions(compound)

    def _slow(self, case: Case) -> Iterator[tuple[str, Candidates]]:
        for compound in self._compounds(case):
            yield f"{WHOLE}, the unlikely combinations", compound.candidates(LIKELY + 1)
        yield from islice(stages(case, self.usual), QUICK, None)

    def result(self, found: Finding | None, *, complete: bool, case: Case | None = None) -> Result:
        """Return the result, with what was tried and what could not be tried."""
        case = case or self.case
        skipped = (f"rules of git: {self.checkout.problem}",) if self.checkout.problem else ()
        more = tuple(hints(case, self.checkout)) if case and found is None else ()
        return Result(found, self.watch.tried, self.watch.seconds, complete, self.watch.names, skipped, more)


def _under(case: Case, rules: Rules) -> Case | None:
    try:
        return begin(case.entries, case.queries, rules)
    except ContextError:
        return None


def _plain(case: Case, rules: Rules) -> object:
    """Return what of a rule set may change the record of these objects, or of others with the same attributes."""
    used = [case.entries[number] for number in case.used]
    names = {name for entry in used for name in entry.xattrs}
    plain = all(query.is_plain for query in case.queries)
    links = any(entry.kind is Kind.SYMLINK for entry in case.entries)
    return (
        frozenset(name for name in names if rules.keeps(name)),
        rules.owner if any(entry.uid or entry.gid for entry in used) else None,
        None if plain else (rules.wildcard, rules.wildcard_errors, rules.patterns),
        rules.links if links else None,
        rules.root_swallows if len(case.queries) > 1 else None,
    )


def _full(case: Case, rules: Rules) -> object:
    """Return what of a rule set may change the record of any candidate: also other attributes and owners."""
    return _plain(case, rules), rules.owner, rules.keeps(LABEL), rules.keeps("security.capability")
