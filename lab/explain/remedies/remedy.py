"""A remedy as data: the command that a person would type, and what it does to the objects of a context."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from lab.buildkit.contenthash.entry import Entry, Kind, name_bytes, shown
from lab.buildkit.contenthash.formula import leaves_of
from lab.buildkit.contenthash.header import header
from lab.buildkit.contenthash.query import Query, content_part
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree
from lab.errors import ContextError

Change = Callable[[Sequence[Entry]], list[Entry]]
Pair = tuple[Entry | None, Entry | None]  # an object of this side and that of the producer with the same path
ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
FEW = 3  # objects that a command names one by one


class Place(StrEnum):
    """Where a remedy is applied."""

    HERE = "here"
    THERE = "at the producer"
    BOTH = "on both sides"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: `text` names it, with its command; `change` returns the objects after it."""

    text: str
    place: Place
    change: Change

    def on(self, ours: Sequence[Entry], theirs: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
        """Return the objects of both sides after the step."""
        return (
            self.change(ours) if self.place in (Place.HERE, Place.BOTH) else list(ours),
            self.change(theirs) if self.place in (Place.THERE, Place.BOTH) else list(theirs),
        )


@dataclass(frozen=True, slots=True)
class Remedy:
    """Steps that together give both sides the same digest."""

    steps: tuple[Step, ...]

    @property
    def text(self) -> str:
        """What to do, in one line."""
        return ", then ".join(f"{step.text} ({step.place})" for step in self.steps)


@dataclass(frozen=True)
class Sides:
    """The objects that the clients of both sides send, the sources of a COPY, and the rules of both engines.

    `paths` are the objects that the COPY uses on one side or the other. `tracked` maps each path that git tracks here
    to whether git stores its executable bit; it is None if git was not asked.
    """

    ours: Sequence[Entry]
    theirs: Sequence[Entry]
    queries: Sequence[Query]
    rules: Rules
    their_rules: Rules
    paths: frozenset[str]
    tracked: Mapping[str, bool] | None = field(default=None, hash=False)

    @cached_property
    def pairs(self) -> list[Pair]:
        """The used objects of both sides that differ in what is hashed: this side's, the producer's."""
        one, other = by_path(self.ours), by_path(self.theirs)
        found = ((one.get(path), other.get(path)) for path in sorted(self.paths))
        return [pair for pair in found if pair[0] is not pair[1] and not self._same(pair)]

    @property
    def common(self) -> list[tuple[Entry, Entry]]:
        """The pairs that exist on both sides."""
        return [(mine, other) for mine, other in self.pairs if mine is not None and other is not None]

    def after(self, step: Step) -> Sides:
        """Return both sides after a step."""
        ours, theirs = step.on(self.ours, self.theirs)
        return replace(self, ours=ours, theirs=theirs)

    def sample(self, most: int, wanted: Callable[[Pair], bool] = lambda pair: True) -> Sides:
        """Return both sides with at most so many of the wanted objects that differ, for a first trial of a step."""
        paths = [(pair[0] or pair[1]).path for pair in self.pairs if wanted(pair)]  # type: ignore[union-attr]
        chosen = frozenset(paths[:: -(-len(paths) // most) or 1])
        ours, theirs = ([item for item in side if item.path in chosen] for side in (self.ours, self.theirs))
        return replace(self, ours=ours, theirs=theirs, paths=chosen)

    @property
    def alike(self) -> bool:
        """True if the COPY has the same digest on both sides.

        Where a content is not available, every object must have the same header and the same sha256 instead.
        """
        try:
            mine = content_part(Tree.read(self.ours, self.rules), self.queries, self.rules)
            other = content_part(Tree.read(self.theirs, self.their_rules), self.queries, self.their_rules)
            return mine is not None and other is not None and mine.text == other.text
        except ContextError:
            return self.rules == self.their_rules and bool(self.paths) and not self.pairs

    def _same(self, pair: Pair) -> bool:
        """True if an object has the same digest on both sides."""
        mine, other = pair
        if mine is None or other is None:
            return False
        try:
            same = header(mine, self.rules) == header(other, self.their_rules)
        except ContextError:
            return False
        return same and (mine.kind is not Kind.FILE or _same_content(mine, other))


def _same_content(mine: Entry, other: Entry) -> bool:
    if mine.content is not None and mine.content is other.content:
        return True
    if isinstance(mine.content, bytes) and isinstance(other.content, bytes):
        return mine.content == other.content
    return mine.sha256 is not None and mine.sha256 == other.sha256


def sides(
    ours: Sequence[Entry],
    theirs: Sequence[Entry],
    queries: Sequence[Query],
    rules: Rules,
    their_rules: Rules,
    tracked: Mapping[str, bool] | None = None,
) -> Sides:
    """Return both sides of a COPY, with the objects that it uses."""
    paths = used(ours, queries, rules) | used(theirs, queries, their_rules)
    return Sides(ours, theirs, queries, rules, their_rules, paths, tracked)


def used(entries: Sequence[Entry], queries: Sequence[Query], rules: Rules) -> frozenset[str]:
    """Return the paths of the objects that a digest uses; of all if it cannot be determined."""
    try:
        part = content_part(Tree.read(entries, rules), queries, rules)
    except ContextError:
        return frozenset(entry.path for entry in entries)
    return frozenset(leaf.path[1:] for leaf in leaves_of(part) if leaf.path) if part else frozenset()


def quoted(text: str) -> str:
    """Return a text as one word of a command; characters that are not printable are escaped, as in $'a\\nb'.

    bash, zsh and ksh read that form.
    """
    if shown(text) == text:
        return shlex.quote(text)
    return f"$'{''.join(map(_escaped, text))}'"


def _escaped(char: str) -> str:
    if char in "'\\":
        return f"\\{char}"
    if char.isprintable():
        return char
    return ESCAPES.get(char) or "".join(f"\\{byte:03o}" for byte in name_bytes(char))


def words(paths: Collection[str]) -> str:
    """Return paths as the last words of a command, none of which is taken for an option."""
    return " ".join(quoted(f"./{path}" if path.startswith("-") else path) for path in sorted(paths))


def by_path(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Return the objects by their paths."""
    return {entry.path: entry for entry in entries}


def each(change: Callable[[Entry], Entry], paths: Collection[str] | None = None) -> Change:
    """Return a change of every object, or of those with these paths."""

    def changed(entries: Sequence[Entry]) -> list[Entry]:
        return [change(entry) if paths is None or entry.path in paths else entry for entry in entries]

    return changed
