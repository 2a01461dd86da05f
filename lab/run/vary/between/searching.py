"""From two sides to axes: their differences, and the smallest sets that miss by lab's model, for an engine to build."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lab.buildkit.contenthash.entry import Entry
from lab.buildkit.contenthash.rules import Rules
from lab.results.varied import BetweenFacts, CauseFacts
from lab.run.changes.kind import Change
from lab.run.own_project.project import OwnProject
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
class Search:
    """What was found between two sides. `prepare` makes the first side of the project that lab sends."""

    facts: BetweenFacts
    axes: tuple[Axis, ...]
    prepare: tuple[Change, ...]


def search(project: OwnProject, dockerfile: str, instructions: Sequence[str], sides: Sides, rules: Rules) -> Search:
    """Return the smallest sets of differences that miss under these rules, as axes that an engine builds."""
    first, unknown = with_contents(sides.first, project.objects)
    second, others = with_contents(sides.second, (*project.objects, *first))
    every = pieces(first, second)
    model = Model(replace(project, objects=tuple(first)), dockerfile, rules)
    found = bisect(first, every, lambda objects: any(model.runs(objects, instructions)))
    here = pieces(project.objects, first)
    facts = BetweenFacts(
        first=sides.names[0],
        second=sides.names[1],
        fields=dict(Counter(piece.field for piece in every)),
        tries=found.tries,
        more=found.more,
        stand_ins=unknown + others,
        causes=tuple(_cause(number, cause, every) for number, cause in enumerate(found.causes, 1)),
    )
    return Search(facts, tuple(_axes(found)), (_batch(here),) if here else ())


def _cause(number: int, cause: Sequence[Piece], every: Sequence[Piece]) -> CauseFacts:
    sorts = {piece.sort for piece in cause} if len(cause) == 1 else set()
    return CauseFacts(
        axis=f"cause-{number}",
        pieces=tuple(piece.text for piece in cause[:SHOWN]),
        count=len(cause),
        alike=sum(piece.sort in sorts for piece in every) - len(cause) if sorts else 0,
    )


def _axes(found: Found) -> list[Axis]:
    axes = [_axis(EVERY, "all differences together", found.every)]
    axes += [
        _axis(f"cause-{number}", "; ".join(piece.text for piece in cause[:3]), cause)
        for number, cause in enumerate(found.causes, 1)
    ]
    return (
        axes
        if not found.causes
        else [*axes, _axis(REST, "all differences but the causes and those of their sort", found.rest)]
    )


def _axis(name: str, summary: str, chosen: Sequence[Piece]) -> Axis:
    def make(scene: Scene) -> Variant:
        if not chosen:
            raise NotHereError("no difference is left for it")
        return Variant(summary, (_batch(chosen),))

    return Axis(name, summary, make)


def _batch(chosen: Sequence[Piece]) -> Batch:
    return Batch(tuple(change for piece in chosen for change in piece.made()))
