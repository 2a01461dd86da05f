"""Candidates that combine rules on all objects: which objects exist, links, contents, attributes and modes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from lab.buildkit.contenthash.entry import Entry
from lab.buildkit.contenthash.query import Query
from lab.buildkit.contenthash.rules import Rules
from lab.errors import ContextError
from lab.explain.search.case import Case
from lab.explain.search.outline import Outline, outline
from lab.explain.search.owns import Owns
from lab.explain.search.rules.table import choices, kinds_of, names
from lab.explain.search.usual import Usual
from lab.explain.search.world import Choice, Kinds, World, applied

MOST_CASES = 8  # sets of objects that are kept for sources that are no plain folders


@dataclass(frozen=True, slots=True)
class Combination:
    """The rules by which the producer's objects differ from those of this side."""

    world: World
    kinds: Kinds
    choice: Choice

    def applied(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return the producer's objects; `entries` are those of this side, which the world has already."""
        return applied(self.world, self.kinds, self.choice)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the rules, that of the objects' names first."""
        naming = (self.world.naming,) if self.world.naming else ()
        return (*naming, *names(self.kinds, self.choice))

    @property
    def whole(self) -> tuple[str, ...]:
        """The same as `names`: the rules have no exception."""
        return self.names


class Compound:
    """The combinations of rules for one world, with the records that they lead to."""

    def __init__(self, world: World, usual: Usual, queries: Sequence[Query], rules: Rules) -> None:
        self.world = world
        self.kinds = kinds_of(world, usual, rules)
        self.queries = tuple(queries)
        self.owns = Owns(world, self.kinds, rules)
        self._outline: Outline | None = outline(self.owns, queries)
        self._cases: dict[tuple[int, int], tuple[Case, list[int]] | None] = {}

    def candidates(self, lowest: int = 0, highest: int | None = None) -> Iterator[tuple[str | None, Combination]]:
        """Yield the combinations with a rank between two values in its order, with their records.

        The objects as they are are left out.
        """
        for choice in choices(self.kinds, lowest, highest):
            if any(choice) or self.world.naming:
                yield self.record(choice), Combination(self.world, self.kinds, choice)

    def likely(self, most: int, highest: int) -> list[Choice]:
        """Return the first choices, at most `most` and none with a rank above `highest`."""
        return list(islice(choices(self.kinds, 0, highest), most))

    def record(self, choice: Choice) -> str | None:
        """Return the record under a choice; None if the sources have no digest then."""
        if self._outline:
            return self._outline.record(choice)
        # the type of an object and its presence decide what a source selects; the rest only changes digests
        key = (choice.presence, choice.links)
        if key not in self._cases:
            if len(self._cases) >= MOST_CASES:
                self._cases.pop(next(iter(self._cases)))
            self._cases[key] = self._case(Choice(choice.presence, choice.links))
        found = self._cases[key]
        if found is None:
            return None
        case, numbers = found
        owns = {place: self.owns.text(numbers[place], choice) for place in case.used}
        changed = {place: own for place, own in owns.items() if own != case.own[place]}
        return case.record_changed(changed) if changed else case.record

    def case(self, choice: Choice) -> Case | None:
        """Return the objects under a choice as a case for changes of single objects; None if there is no digest."""
        found = self._case(choice)
        return found[0] if found else None

    def _case(self, choice: Choice) -> tuple[Case, list[int]] | None:
        absent = self.world.absent(self.kinds[0][choice.presence])
        numbers = [number for number in range(len(self.world.objects)) if number not in absent]
        row = self.owns.row(choice)
        owns = [self.owns.text(number, choice) if row[number] >= 0 else "" for number in numbers]
        try:
            return Case(applied(self.world, self.kinds, choice), owns, self.queries, self.owns.rules), numbers
        except ContextError:
            return None


def used_by(case: Case) -> list[int]:
    """Return the numbers of the objects that enter a digest, with the hard links to them."""
    paths = {case.entries[number].path for number in case.used}
    return [
        number
        for number, entry in enumerate(case.entries)
        if number in case.leaves or (entry.is_hardlink and entry.linkname in paths)
    ]
