"""What a search found: the fields with the producer's values, and the rules on all objects as one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from lab.buildkit.contenthash.compare import ABSENT, FieldDifference, compare
from lab.buildkit.contenthash.entry import Entry, shown
from lab.buildkit.contenthash.formula import leaves_of
from lab.buildkit.contenthash.query import Query, content_part, content_record
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree
from lab.counting import counted
from lab.errors import ContextError
from lab.explain.remedies.offer import remedies
from lab.explain.remedies.remedy import Remedy, sides
from lab.explain.search.checkout import NO_CHECKOUT, Checkout

MANY = 3  # equal differences up to this number are named one by one
EXAMPLES = 3  # objects that a sentence names


class Guess(Protocol):
    """A possible difference of the producer's files."""

    def applied(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return the producer's objects, given those of this side."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the rules that it follows, as what was tried is counted by them."""

    @property
    def whole(self) -> tuple[str, ...]:
        """The names of the rules that it follows, with the exception to them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A change that leads to a listed record: the fields with the producer's values, and the rule set.

    Without differences, the record is that of the unchanged files. `alike` are all rule sets that give the same record
    for the producer's files; they include `rules`. `whole` names the rules on all objects that the producer's files
    follow, and `sentence` states them with counts and examples, if more than MANY fields differ.
    `instead` are the attributes without which the producer's files have the record under the rules of this side, where
    the files as they are have it under those of another engine: the cache does not tell which of the two is true.
    `theirs` are the producer's objects. `remedies` were tried on the objects of both sides: each gives the same digest.
    """

    record: str
    rules: Rules
    differences: tuple[FieldDifference, ...]
    alike: tuple[Rules, ...] = ()
    whole: tuple[str, ...] = ()
    sentence: str | None = None
    instead: tuple[FieldDifference, ...] = ()
    theirs: tuple[Entry, ...] = ()
    remedies: tuple[Remedy, ...] = ()


def record_of(entries: Sequence[Entry], queries: Sequence[Query], rules: Rules) -> str | None:
    """Return the record of the content digest of a COPY; None if it has none."""
    try:
        part = content_part(Tree.read(entries, rules), queries, rules)
        return content_record(part.text) if part else None
    except ContextError:
        return None


def finding(
    entries: Sequence[Entry],
    queries: Sequence[Query],
    guess: Guess,
    record: str,
    rules: Sequence[Rules],
    tested: Rules,
    checkout: Checkout = NO_CHECKOUT,
) -> Finding | None:
    """Return the finding for a guess that leads to a listed record under the rule set `tested`.

    `entries` are those of this side; the first of `rules` are its own, and the others those that a producer may have.
    None if the record of the producer's whole files is another one.
    """
    theirs = guess.applied(entries)
    if record_of(theirs, queries, tested) != record:
        return None
    differences = _differences(theirs, entries, queries, rules, tested)
    alike: tuple[Rules, ...] = (tested,)
    if tested != rules[0]:
        alike = tuple(item for item in rules[1:] if item == tested or record_of(theirs, queries, item) == record)
    whole = guess.whole
    summed = _by_field(differences) if whole else _summed_up(differences)
    sentence = _sentence(whole, differences) if whole and len(differences) > MANY else None
    bare = [] if differences else _without_attributes(entries, queries, rules[0], tested, record)
    instead = tuple(_summed_up(_differences(bare, entries, queries, rules, rules[0]))) if bare else ()
    to_do: list[Remedy] = []
    if differences or instead:
        tracked = {path: item.executable for path, item in checkout.tracked.items()}
        there, known = (bare, rules[0]) if bare else (theirs, tested)
        to_do = remedies(sides(entries, there, queries, rules[0], known, tracked or None))
    return Finding(record, tested, tuple(summed), alike, whole, sentence, instead, tuple(theirs), tuple(to_do))


def _without_attributes(
    entries: Sequence[Entry], queries: Sequence[Query], mine: Rules, other: Rules, record: str
) -> list[Entry]:
    """Return the objects without the attributes that only this side's rules hash, if these give the record too."""

    def bare(entry: Entry) -> Entry:
        kept = {name: value for name, value in entry.xattrs.items() if other.keeps(name) or not mine.keeps(name)}
        return entry if len(kept) == len(entry.xattrs) else entry.but(xattrs=kept)

    found = [bare(entry) for entry in entries]
    return found if record_of(found, queries, mine) == record else []


def _differences(
    theirs: Sequence[Entry], ours: Sequence[Entry], queries: Sequence[Query], rules: Sequence[Rules], tested: Rules
) -> list[FieldDifference]:
    """Return the fields that differ; an unchanged content is the same Python object on both sides."""
    used = _used(theirs, queries, tested) | _used(ours, queries, rules[0])
    same = {id(entry) for entry in theirs} & {id(entry) for entry in ours}
    one, other = ([entry for entry in side if entry.path in used and id(entry) not in same] for side in (theirs, ours))
    return compare(one, other, rules)


def _used(entries: Sequence[Entry], queries: Sequence[Query], rules: Rules) -> set[str]:
    """Return the paths of the objects that a digest uses, hard links and the links on the way to them included."""
    try:
        part = content_part(Tree.read(entries, rules), queries, rules)
    except ContextError:
        return {entry.path for entry in entries}
    paths = {leaf.path[1:] for leaf in leaves_of(part)} if part else set()
    return paths | {entry.path for entry in entries if entry.is_hardlink and entry.linkname in paths}


def _summed_up(differences: list[FieldDifference]) -> Iterator[FieldDifference]:
    """Combine equal differences of many objects into one that names the first object and counts the others."""
    return _grouped(differences, lambda item: (item.field, item.producer, item.consumer))


def _by_field(differences: list[FieldDifference]) -> Iterator[FieldDifference]:
    """Combine differences of the same field, with the values of the first object."""
    plain = ("mode", "uid", "gid")
    return _grouped(
        differences,
        lambda item: (
            item.field,
            item.producer if item.field in plain else str(item.producer == ABSENT),
            item.consumer if item.field in plain else str(item.consumer == ABSENT),
        ),
    )


def _grouped(
    differences: list[FieldDifference], key: Callable[[FieldDifference], tuple[str, str, str]]
) -> Iterator[FieldDifference]:
    groups: dict[tuple[str, str, str], list[FieldDifference]] = {}
    for item in differences:
        groups.setdefault(key(item), []).append(item)
    for group in groups.values():
        if len(group) <= MANY:
            yield from group
        else:
            yield replace(group[0], path=f"{group[0].path} and {len(group) - 1} more")


def _sentence(whole: Sequence[str], differences: Sequence[FieldDifference]) -> str:
    """Return the rules, and for each kind of difference how many objects it concerns."""
    counted = "; ".join(_counted(differences))
    rules = "; ".join(shown(name) for name in whole)
    return f"the producer's files follow {'one rule' if len(whole) == 1 else f'{len(whole)} rules'}: {rules}" + (
        f" ({counted})" if counted else ""
    )


def _counted(differences: Sequence[FieldDifference]) -> Iterator[str]:
    words = {
        "missing": "missing there",
        "more": "only there",
        "mode": "with another mode",
        "line ends": "with other line ends",
        "content": "with another content",
        "type": "of another type",
    }
    groups: dict[str, list[FieldDifference]] = {}
    for item in differences:
        name = item.field
        if name == "presence":
            name = "missing" if item.producer == ABSENT else "more"
        groups.setdefault(name, []).append(item)
    for name, items in groups.items():
        paths = [item.path for item in items]
        text = words.get(name, f"with another value of {name}")
        objects = counted(len(items), "object")
        first = f": {items[0].producer} there, {items[0].consumer} here" if name in ("mode", "line ends") else ""
        more = "such as " if len(paths) > EXAMPLES else ""
        examples = ", ".join(paths[:1] if first else paths[:EXAMPLES])
        yield f"{objects} {text}, {more if not first else 'such as '}{examples}{first}"
