"""From two sides to axes: their differences, and the smallest sets that miss by lab's model, for an engine to build."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lab.buildkit.cachekeys.state import Options
from lab.buildkit.contenthash.entry import Entry
from lab.buildkit.contenthash.rules import Rules
from lab.results.varied import BetweenFacts, CauseFacts
from lab.run.changes.kind import Change
from lab.run.own_project.variations import Model
from lab.run.vary.axis import Axis, NotHereError, Scene, Variant
from lab.run.vary.between.batching import Batch
from lab.run.vary.between.bisecting import Found, bisect
from lab.run.vary.between.pieces import Piece, pieces, with_contents

EVERY, REST = "all-differences", "without-causes"
SHOWN = 20  # pieces of one cause that a run stores in words


@dataclass(frozen=True, slots=True)
class Sides:
    """The objects of both sides by the words that name them."""

    names: tuple[str, str]
    first: Sequence[Entry]
    second: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Built:
    """The build of which both sides are contexts.

    `known` are objects of which this machine has the contents. `sent` are the objects from which a box makes the first
    side; None if the first side is what the box has already.
    """

    dockerfile: str
    instructions: Sequence[str]
    options: Options
    target: str | None
    known: Sequence[Entry]
    sent: Sequence[Entry] | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """What was found between two sides. `prepare` makes the first side of the objects that lab sends."""

    facts: BetweenFacts
    axes: tuple[Axis, ...]
    prepare: tuple[Change, ...]
    found: Found


def search(built: Built, sides: Sides, rules: Rules) -> Search:
    """Return the smallest sets of differences that miss under these rules, as axes that an engine builds."""
    first, unknown = with_contents(sides.first, built.known)
    second, others = with_contents(sides.second, (*built.known, *first))
    every = pieces(first, second)
    model = Model(first, built.dockerfile, rules, built.options, built.target)
    found = bisect(first, every, lambda objects: any(model.runs(objects, built.instructions)))
    here = [] if built.sent is None else pieces(built.sent, first)
    facts = BetweenFacts(
        first=sides.names[0],
        second=sides.names[1],
        fields=dict(Counter(piece.field for piece in every)),
        tries=found.tries,
        more=found.more,
        stand_ins=unknown + others,
        causes=tuple(cause_facts(f"cause-{number}", cause, every) for number, cause in enumerate(found.causes, 1)),
    )
    return Search(facts, tuple(_axes(found)), (batch(here),) if here else (), found)


def cause_facts(axis: str, cause: Sequence[Piece], every: Sequence[Piece]) -> CauseFacts:
    """Return a smallest set in words; `every` are all differences, among which others may be of the same sort."""
    sorts = {piece.sort for piece in cause} if len(cause) == 1 else set()
    return CauseFacts(
        axis=axis,
        pieces=tuple(piece.text for piece in cause[:SHOWN]),
        count=len(cause),
        alike=sum(piece.sort in sorts for piece in every) - len(cause) if sorts else 0,
    )


def _axes(found: Found) -> list[Axis]:
    axes = [axis_of(EVERY, "all differences together", found.every)]
    axes += [axis_of(f"cause-{number}", summary(cause), cause) for number, cause in enumerate(found.causes, 1)]
    return (
        axes
        if not found.causes
        else [*axes, axis_of(REST, "all differences but the causes and those of their sort", found.rest)]
    )


def summary(cause: Sequence[Piece]) -> str:
    """Return the first differences of a set in words."""
    return "; ".join(piece.text for piece in cause[:3])


def axis_of(name: str, text: str, chosen: Sequence[Piece]) -> Axis:
    """Return the axis that makes these differences; it has no difference to make where there are none."""

    def make(scene: Scene) -> Variant:
        if not chosen:
            raise NotHereError("no difference is left for it")
        return Variant(text, (batch(chosen),))

    return Axis(name, text, make)


def batch(chosen: Sequence[Piece]) -> Batch:
    """Return the change that makes these differences on a box."""
    return Batch(tuple(change for piece in chosen for change in piece.made()))
