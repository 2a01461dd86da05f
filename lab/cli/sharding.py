"""The options `--shard` and `--list` of `repro`: which part of a matrix a run makes, and which boxes that needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from lab.cli.options import grouped

if TYPE_CHECKING:
    from lab.boxes.specs import BoxSpec
    from lab.cli.options import Workplace
    from lab.cli.resuming import Task
    from lab.cli.run_words import Plan
    from lab.engines.spec import EngineSpec
    from lab.model import TrialKey
    from lab.run.course import Course
    from lab.run.shards import Choice
    from lab.run.wish import Wish


@dataclass(frozen=True, slots=True)
class ShareWords:
    """What the command line states of the part of a matrix: its shard, and whether its trials are only listed."""

    shard: str | None
    listing: bool

    def choice(self) -> Choice | None:
        """The trials of the shard, None without one; UsageError for a shard that is none."""
        from lab.run.shards import Choice, Shard

        return None if self.shard is None else Choice(Shard.parse(self.shard))


shard_option = click.option(
    "--shard",
    metavar="I/N",
    help="Only part I of N parts: the consumer boxes are divided by their names; the engines, if there is one box.",
)
OPTIONS = (
    shard_option,
    click.option("--list", "listing", is_flag=True, help="Print the names of the trials, and start nothing."),
)


def share_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give `repro` the options of a part of a matrix; it receives them as one ShareWords, `share`."""
    return grouped(function, ShareWords, "share", OPTIONS)


def engines_of(wish: Wish, place: Workplace) -> Callable[[BoxSpec], list[EngineSpec]]:
    """The engines that a run of this wish starts on a box, if each can be had, in their order."""
    from lab.machines.fleet import Fleet

    fleet = Fleet(place.project, place.catalog, lambda event: None)
    return lambda spec: fleet.planned(spec, wish.consumer_engines, wish.producer_engines)


def engines_elsewhere(wish: Wish, place: Workplace) -> Callable[[BoxSpec], list[EngineSpec]]:
    """The same on a machine on which lab may run engines of its own."""
    from lab.boxes.kinds.local import LocalSpec

    def of(spec: BoxSpec) -> list[EngineSpec]:
        private = spec.private if isinstance(spec, LocalSpec) else ()
        return engines_of(replace(wish, consumer_engines=wish.consumer_engines or private), place)(spec)

    return of


def chosen(
    choice: Choice, wish: Wish, specs: Sequence[BoxSpec], place: Workplace
) -> tuple[list[TrialKey], list[TrialKey]]:
    """The trials of the whole matrix, and those of this run; UsageError if the run would have none."""
    from lab.run.planning import planned
    from lab.run.shards import check_shard

    every = planned(wish, specs, engines_of(wish, place))
    by_producer = wish.project is not None  # whose trials are expected to do what the producer's own rebuild did
    if choice.shard:
        check_shard(choice, every, by_producer=by_producer)
    return choice.whole(every), choice.own(every, by_producer=by_producer)


def course_of(task: Task, plan: Plan, wish: Wish, specs: Sequence[BoxSpec], place: Workplace) -> Course:
    """The course of the run whose plan is this one, with the trials of its shard alone if it is one."""
    from lab.run.course import Course
    from lab.run.shards import facts_of

    if task.choice is None:
        return task.course(plan)
    whole, own = chosen(task.choice, replace(wish, course=Course(task.repetition)), specs, place)
    shard = facts_of(task.choice.shard, whole, plan.sums) if task.choice.shard else None
    words = plan.model_copy(update={"only": tuple(map(str, own))}).to_json()
    return Course(task.repetition, frozenset(own), words=words, shard=shard)


def is_part(task: Task) -> bool:
    """True for a run that makes only a part of a matrix: a new one, or a stored one whose trials are made."""
    return task.choice is not None or bool(task.stored and task.stored.run.shard)


def narrowed(wish: Wish, specs: Sequence[BoxSpec], place: Workplace) -> tuple[Wish, list[BoxSpec]]:
    """The wish and the boxes, of which only those boxes and engines are left that the trials of its course need."""
    from lab.run.builders.table import split

    own = wish.course.only
    producers, consumers = {key.producer for key in own}, {key.consumer for key in own}
    used = {split(key.engine)[0] for key in own}
    made = {split(key.producer_engine)[0] for key in own}
    engines = wish.consumer_engines
    if len(specs) == 1 and not wish.producer_engines:
        engines = engines or tuple(pin.name for pin in engines_of(wish, place)(specs[0]))
    smaller = replace(
        wish,
        producers=tuple(spec.name for spec in specs if spec.name in producers),
        consumers=tuple(spec.name for spec in specs if spec.name in consumers),
        consumer_engines=tuple(name for name in engines if name in used),
        producer_engines=tuple(name for name in wish.producer_engines if name in made),
    )
    return smaller, [spec for spec in specs if spec.name in producers | consumers]
