"""The trials that a run would make, known before a box or an engine is started."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lab.boxes.base import Box, Command, OnOutput, Result
from lab.boxes.specs import BoxSpec
from lab.engines.kinds.table import kind_of
from lab.engines.spec import EngineSpec
from lab.errors import BoxError
from lab.machines.ready import Later, Ready
from lab.model import CONTROL, TrialKey
from lab.run import matrix
from lab.run.experiment import cast_of
from lab.run.wish import Wish

EnginesOf = Callable[[BoxSpec], Sequence[EngineSpec]]


def planned(wish: Wish, specs: Sequence[BoxSpec], engines_of: EnginesOf) -> list[TrialKey]:
    """Every trial of the wish on these boxes, of which `engines_of` gives the engines, if each engine can be had.

    Raises UsageError, as the run does, for names that do not fit.
    """
    cast = cast_of(wish, [not_up(spec, engines_of(spec)) for spec in specs])
    consumers = {item.box.name for item in cast.consumers}
    producers = {item.box.name for item in cast.producers}
    engines = {item.box.name: item.engine_names for item in [*cast.producers, *cast.consumers]}
    found = matrix.planned(
        [(item.box.name, name) for item in cast.used if item.box.name in producers for name in item.engine_names],
        {name: own for name, own in engines.items() if name in consumers},
        cast.draft.name,
        [item.name if item else CONTROL for item in cast.draft.variations(wish.variations)],
        wish.course.repetition,
        controls=cast.draft.project is not None,
        thorough=bool(wish.variations),
        consumer_engines=cast.wish.consumer_engines,
        producer_engines=cast.wish.producer_engines,
    )
    return [key for keys in found.values() for key in keys]


def not_up(spec: BoxSpec, pins: Sequence[EngineSpec]) -> Ready:
    """A box that is not up, with each of its engines to be started later."""
    later = (
        Later(pin.name, lambda: None, kind_of(pin).client, pin.store, kind_of(pin).may_have_buildx(pin)) for pin in pins
    )
    return Ready(_Down(spec.name), spec, (), tuple(later))


class _Down(Box):
    """A box that is not up: it has a name, and runs nothing."""

    def __init__(self, name: str) -> None:
        self.name = name

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        """Refuse the command."""
        raise BoxError(f"cannot run `{command.line()}` on {self.name}: the box is only planned")

    def put(self, source: object, target: object) -> None:
        """Refuse the file."""
        raise BoxError(f"cannot copy to {self.name}: the box is only planned")
