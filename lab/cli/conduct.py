"""Make runs on the boxes of a lineup: what `repro` and `bisect` share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from lab.boxes.base import Box, Tell
from lab.boxes.kinds.table import kind_of as kind_of_box
from lab.boxes.specs import BoxSpec
from lab.cli.cleanup import guarded
from lab.cli.machines import stopped, with_way_back
from lab.cli.options import Workplace
from lab.cli.run_words import hint_on
from lab.cli.screen import Screen, screen
from lab.cli.terminal import remark
from lab.engines.kinds.table import kind_of
from lab.errors import ConfigError, Interrupted, LabError, UsageError
from lab.files import hold
from lab.machines.catalog import pick
from lab.machines.fleet import Fleet
from lab.machines.ready import Ready
from lab.model import Planned, RunEvent, TrialKey
from lab.project import Project
from lab.registry.ahead import Ahead
from lab.results.run import Run
from lab.results.shelf import typical_seconds
from lab.run.builders.table import bring_buildx, check_caches, fitting
from lab.run.wish import Wish
from lab.workers import Background

if TYPE_CHECKING:
    from lab.run.recorder import Watch

    Make = Callable[[Wish, Sequence[Ready], Project, Tell, Watch], tuple[Path, Run]]

RUN_NEEDS = ("lab.run.experiment", "lab.buildkit.progress.reader", "lab.report.table")  # once its boxes are up


@dataclass(frozen=True)
class Conductor:
    """Boxes that are held for this process, and what it takes to make runs on them."""

    place: Workplace
    fleet: Fleet
    specs: Sequence[BoxSpec]
    provider: str
    screen: Screen
    plans: list[Planned] = field(default_factory=list)  # of the run that goes on, the newest last
    scheduler: str | None = None  # whose workers make the trials

    def has(self, engine: str) -> bool:
        """True if an engine can be used without a download or a build."""
        return self.fleet.stock.at_hand(self.place.catalog.engine(engine))

    def run(
        self,
        wish: Wish,
        engines: Sequence[str] = (),
        also: Sequence[str] = (),
        make: Make | None = None,
        *,
        early: bool = True,
    ) -> tuple[Path, Run]:
        """Bring the boxes up with these engines (default: their own) and make the trials of the wish.

        `make` makes them, by default `lab.run.experiment.perform`. With `early`, engines whose archives take minutes to
        make are started after the others.
        """
        starts = make is None and wish.registry is None
        own = Ahead(wish.registry_port, self.screen.tell, self.place.project.state) if starts else None
        with closing(own) if own else nullcontext():
            ready = self.bring_up(wish, engines, also, early=early, reached=own.show_to if own else lambda box: None)
            return self.make(wish, ready, make, own)

    def bring_up(
        self,
        wish: Wish,
        engines: Sequence[str] = (),
        also: Sequence[str] = (),
        *,
        early: bool = True,
        reached: Callable[[Box], None] = lambda box: None,
    ) -> list[Ready]:
        """Bring the boxes up with these engines, or with their own; `reached` is called with each that answers."""
        name, snapshots = self.place.lineup.name, wish.manner.fresh == "snapshot"
        first = dict.fromkeys(name for spec in self.specs for name in kind_of_box(spec).modules)
        Background("the modules of a run", partial(_import, [*first, *RUN_NEEDS]))  # while the boxes are waited for
        self.fleet.stock.with_buildx = bring_buildx(wish.builders)
        try:
            up = partial(self.fleet.up, name, self.specs, self.provider, engines, also)
            return with_way_back(
                self.place, lambda: up(early=early and not snapshots, resettable=snapshots, reached=reached)
            )
        except LabError as error:
            self._add_way_on(error, wish)
            raise

    def make(
        self, wish: Wish, ready: Sequence[Ready], make: Make | None = None, registry: Ahead | None = None
    ) -> tuple[Path, Run]:
        """Make the trials of the wish on these boxes, and close them; `registry` is that of the default `make`."""
        from lab.run.experiment import perform

        name = self.place.lineup.name
        make = make or partial(perform, registry=registry)
        try:
            return make(wish, ready, self.place.project, self.screen.tell, self._watch)
        except (Interrupted, KeyboardInterrupt) as error:
            hint = f"what was measured is kept in {self.place.project.results}"
            if any(spec.kind == "vagrant" for spec in self.specs):  # a run on this machine alone leaves nothing
                hint += f"; `python -m lab down --lineup {name}` removes the boxes of lineup {name}"
            ended = stopped(error, hint)
            self._add_way_on(ended, wish)
            raise ended from error
        except LabError as error:
            self._add_way_on(error, wish)
            raise
        finally:
            try:
                self.fleet.settle()
            finally:
                for item in ready:
                    item.box.close()

    def _watch(self, event: RunEvent) -> None:
        if isinstance(event, Planned):
            self.plans.append(event)
        self.screen.watch(event)

    def _add_way_on(self, error: LabError, wish: Wish) -> None:
        """Begin the hint of an error with the command that makes the rest of the run, if that can make it."""
        stored = wish.course.stored
        name = stored.run.name if stored else self.plans[-1].run if self.plans and wish.course.words else None
        if name and not isinstance(error, ConfigError | UsageError):
            way = hint_on(name, self.scheduler)
            error.hint = f"{way}; {error.hint}" if error.hint else way

    def not_made(self, run: Run) -> list[TrialKey]:
        """The trials that were planned and that the run has not stored."""
        made = {trial.key for trial in run.trials}
        return [key for key in (self.plans[-1].trials if self.plans else ()) if key not in made]


@contextmanager
def conducting(
    place: Workplace,
    specs: Sequence[BoxSpec],
    provider: str,
    verb: str,
    *,
    verbose: bool,
    json_lines: bool = False,
    scheduler: str | None = None,
) -> Iterator[Conductor]:
    """Hold the boxes for the time of the context; engines that it starts on this machine end with it."""
    place.project.check_results()
    held = hold(place.project.state, [spec.name for spec in specs], verb)
    with held, screen(verbose, json_lines=json_lines) as shown, guarded(place.project, shown.tell):
        shown.expect = lambda planned: typical_seconds(
            place.project.results, planned.scenario, planned.lineup, len(planned.trials)
        )
        fleet = Fleet(place.project, place.catalog, shown.tell)
        try:
            yield Conductor(place, fleet, specs, provider, shown, scheduler=scheduler)
        finally:
            fleet.release_private()


def _import(names: Sequence[str]) -> None:
    for name in names:
        import_module(name)


def boxes_of(wish: Wish, place: Workplace, *, allow_prune: bool) -> list[BoxSpec]:
    """The boxes of the lineup that a wish needs, as `boxes_for` finds them."""
    return boxes_for(
        place,
        wish.producers,
        wish.consumers,
        wish.consumer_engines,
        wish.producer_engines,
        allow_prune=allow_prune,
        builders=wish.builders,
        caches=wish.caches,
    )


def boxes_for(
    place: Workplace,
    producers: Sequence[str],
    consumers: Sequence[str],
    consumer_engines: Sequence[str],
    producer_engines: Sequence[str],
    *,
    allow_prune: bool,
    builders: Sequence[str] = (),
    caches: Sequence[str] = (),
) -> list[BoxSpec]:
    """The boxes of the lineup that a run needs; UsageError for an unknown name.

    The bug report's sequence prunes all images and cache, so a Docker that lab did not bring is used only with
    `allow_prune`. Before anything is fetched, raises UsageError for an engine that no builder fits, or whose builder
    does not write such a cache, and HostError if a private engine is wanted on this machine and cannot run.
    """
    specs = {spec.name: spec for spec in place.specs(())}
    writing = producer_engines or consumer_engines
    for engine in map(place.catalog.engine, (*consumer_engines, *producer_engines)):
        kind = kind_of(engine)
        fit = fitting(engine.name, kind.client, builders, has_buildx=kind.may_have_buildx(engine))
        check_caches(engine.name, engine.store, fit, caches if engine.name in writing else ())
    for name in (*producers, *consumers):
        pick(name, specs, "box", f"lineup {place.lineup.name}")
    fleet = Fleet(place.project, place.catalog, lambda event: None)
    for spec in specs.values():
        fleet.check(spec, (*consumer_engines, *producer_engines), allow_prune=allow_prune)
    kept = [
        spec
        for spec in specs.values()
        if allow_prune or not fleet.uses_own_docker(spec, consumer_engines, producer_engines)
    ]
    for spec in specs.values():
        if spec in kept:
            continue
        text = f"a run removes ALL images and ALL build cache of the Docker of {spec.name}"
        if not (spec.optional and kept):
            raise UsageError(f"cannot use {spec.name}: {text}", hint="--allow-prune permits it")
        remark(f"{spec.name} is left out: {text} (--allow-prune permits it)")
    # a side without names takes every box; only where both sides have names some boxes are not needed
    narrow = producers and consumers
    return [spec for spec in kept if not narrow or spec.name in (*producers, *consumers)]
