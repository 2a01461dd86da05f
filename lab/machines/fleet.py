"""The boxes of a lineup together: bring them up with their engines, and suspend them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import partial

from lab.boxes.base import Box, Tell
from lab.boxes.kinds.table import kind_of as kind_of_box
from lab.boxes.kinds.table import open_box
from lab.boxes.specs import BoxSpec
from lab.engines import host
from lab.engines.engine import Engine
from lab.engines.kinds.table import kind_of
from lab.engines.spec import EngineSpec
from lab.errors import Interrupted, LabError
from lab.machines import daemons
from lab.machines.catalog import Catalog
from lab.machines.kinds.handler import Site
from lab.machines.kinds.table import handler_of
from lab.machines.ready import Later, Ready
from lab.machines.rewinding import Rewinder
from lab.machines.turns import Turns
from lab.model import Progress
from lab.project import Project
from lab.workers import Background, Once, each, raise_first, side_by_side


class Fleet:
    """The boxes of one checkout; `tell` receives progress, box by box."""

    def __init__(self, project: Project, catalog: Catalog, tell: Tell) -> None:
        self.project = project
        self.catalog = catalog
        self.tell = tell
        self.site = Site.of(project, catalog, tell)
        self.notes = self.site.notes
        self.shell = self.site.shell
        self.stock = self.site.stock
        self.builds: list[Background[None]] = []
        self.rewinder = Rewinder(self.site)

    def up(
        self,
        lineup: str,
        specs: Sequence[BoxSpec],
        provider: str = "auto",
        wanted: Sequence[str] = (),
        also: Sequence[str] = (),
        *,
        early: bool = False,
        resettable: bool = False,
        reached: Callable[[Box], None] = lambda box: None,
    ) -> list[Ready]:
        """Bring the boxes up side by side and prove their engines. A box that is up is left as it is; others resume.

        `wanted` names the engines, the same on every box, instead of those in the boxes' files; `also` names more.
        Archives of engines are made at the same time. An optional box that fails is left out with a message, unless no
        other box is left. Raises the first error of any other box after all have ended, so that the failure of one box
        costs the others nothing.

        With `early`, a box does not wait for an archive that takes minutes to build, except its first engine's: the
        archive is built in the background (see `settle`), and the engine is in the box's `later`. With `resettable`,
        each box can be set back to its first state; BoxError for one whose first state was not saved. `reached` is
        called with each box that answers, one that is new only once its first state is saved.
        """
        plans = {spec.name: self.planned(spec, wanted, also) for spec in specs}
        slow = self._slow(plans)
        preparing = self._preparations(lineup, specs, provider)
        boxes: dict[str, Box] = {}
        turns = Turns(self.tell)

        def ready(spec: BoxSpec) -> Ready:
            preparing[spec.kind]()
            boxes[spec.name] = box = open_box(spec, self.project)  # only now: its note may be new
            is_new = self.rewinder.is_new(spec)
            with turns.turn(spec.name, kind_of_box(spec).memory(spec)) if is_new else nullcontext():
                box.bring_up(self.tell)
            if not is_new:
                reached(box)
            start = partial(self._ready, box, spec, plans[spec.name], slow if early else {}, all_or_none=bool(wanted))
            item = start()
            if is_new:
                self.rewinder.keep(box, spec, [engine.name for engine in item.engines])
                reached(box)
            return self.rewinder.resettable(item, start) if resettable else item

        def close() -> None:
            for box in list(boxes.values()):
                box.close()

        jobs: dict[str, Callable[[], Ready | None]] = {spec.name: partial(ready, spec) for spec in specs}
        builds = {f"engine {pin.name}": partial(self._build, pin) for pin in slow.values()}
        if early:
            self.builds += [Background(name, build) for name, build in builds.items()]
        else:
            jobs |= builds
        values, errors = side_by_side(jobs, on_stop=close)
        return self._checked(specs, [values[spec.name] for spec in specs if spec.name in values], errors)

    def _preparations(self, lineup: str, specs: Sequence[BoxSpec], provider: str) -> dict[str, Once[None]]:
        """By kind, what its boxes need together before the first of them is brought up."""
        kinds: dict[str, list[BoxSpec]] = {}
        for spec in specs:
            kinds.setdefault(spec.kind, []).append(spec)
        return {
            kind: Once(partial(handler_of(alike[0]).prepare, self.site, lineup, alike, provider))
            for kind, alike in kinds.items()
        }

    def _ready(
        self, box: Box, spec: BoxSpec, plan: Sequence[EngineSpec], slow: Mapping[str, EngineSpec], *, all_or_none: bool
    ) -> Ready:
        """The box with its engines started, but for those in `slow`, which come later.

        An engine whose archive cannot be had is left out, unless it is the first.
        """
        first, *others = plan
        pinned = [first, *(pin for pin in others if pin.name not in slow and (all_or_none or self._can_be_had(pin)))]
        found = tuple(self._start(box, spec, pin) for pin in pinned)
        versions = ", ".join(engine.title for engine in found)
        self.tell(Progress(spec.name, f"ready, {versions}", done=True))
        later = (pin for pin in others if pin.name in slow)
        start = partial(self._start_later, box, spec, needed=all_or_none)
        starts = (
            Later(pin.name, partial(start, pin), kind_of(pin).client, pin.store, kind_of(pin).may_have_buildx(pin))
            for pin in later
        )
        return Ready(box, spec, found, tuple(starts))

    def _slow(self, plans: Mapping[str, Sequence[EngineSpec]]) -> dict[str, EngineSpec]:
        """The engines whose archives take minutes to make and are not there yet; they are begun before a box waits."""
        pins = {pin.name: pin for plan in plans.values() for pin in plan if kind_of(pin).is_slow_to_make}
        return {name: pin for name, pin in pins.items() if not self.stock.has_archive(pin)}

    def _checked(
        self, specs: Sequence[BoxSpec], values: Sequence[Ready | None], errors: Mapping[str, LabError]
    ) -> list[Ready]:
        """The boxes that are up; reports each error of a box, and raises the first one that may not be passed over."""
        up = [item for item in values if item]
        failed = {spec.name: errors[spec.name] for spec in specs if spec.name in errors}
        for name, error in failed.items():
            self.tell(Progress(name, error.message, done=True, failed=True))
        optional = {spec.name for spec in specs if spec.optional}
        raise_first({name: error for name, error in failed.items() if not (up and name in optional)})
        return up

    def planned(self, spec: BoxSpec, wanted: Sequence[str] = (), also: Sequence[str] = ()) -> list[EngineSpec]:
        """The engines that `up` starts on a box: those wanted, else its default ones; and those of `also`."""
        handler = handler_of(spec)
        names = dict.fromkeys((*(wanted or handler.default_engines(self.site, spec)), *also))
        return [self.catalog.engine(name) for name in names]

    def first_engine(self, spec: BoxSpec) -> str:
        """The name of the engine that a box uses where a verb needs one and the user names none."""
        return self.planned(spec, (), ())[0].name

    def check(self, spec: BoxSpec, wanted: Sequence[str], *, allow_prune: bool) -> None:
        """Raise a HostError before anything is fetched if this machine cannot run the engines that a box needs."""
        pins = [self.catalog.engine(name) for name in wanted]
        handler_of(spec).check(self.site, spec, pins, allow_prune=allow_prune)

    def uses_own_docker(self, spec: BoxSpec, wanted: Sequence[str] = (), also: Sequence[str] = ()) -> bool:
        """True if this box may be used with a Docker that lab did not bring: a run empties its images and cache."""
        return handler_of(spec).uses_own_docker(self.site, self.planned(spec, wanted, also))

    def _start_later(self, box: Box, spec: BoxSpec, pin: EngineSpec, *, needed: bool) -> Engine | None:
        return self._start(box, spec, pin) if needed or self._can_be_had(pin) else None

    def _start(self, box: Box, spec: BoxSpec, pin: EngineSpec) -> Engine:
        """Make an engine answer on a box and prove it."""
        return handler_of(spec).start(self.site, box, pin)

    def start_instance(self, box: Box, spec: BoxSpec, pin: EngineSpec) -> Engine:
        """Make an instance of an engine answer on a box and prove it."""
        return self._start(box, spec, pin)

    def settle(self) -> None:
        """Wait for the archives that `up` left in the making: the next run finds them in the cache."""
        for build in self.builds:
            build.settle()
        self.builds.clear()

    def release_private(self) -> None:
        """End the engines that this process started on this machine; those that `up` keeps can be used by others."""
        for name in host.release(self.shell, self.project.state):
            self.tell(Progress(f"engine {name}", "removed from this machine", done=True))

    def _build(self, pin: EngineSpec) -> None:
        """Make an archive; an error is reported by the box that needs the archive, and only by it."""
        with suppress(LabError):
            self.stock.archive(pin, self.tell)

    def _can_be_had(self, pin: EngineSpec) -> bool:
        """False, with a message, if the engine needs an archive and that cannot be made."""
        if not kind_of(pin).needs_archive(pin):
            return True
        try:
            self.stock.archive(pin, self.tell)
        except Interrupted:
            raise
        except LabError as error:
            self.tell(Progress(f"engine {pin.name}", f"left out: {error.message}", done=True, failed=True))
            return False
        return True

    def suspend(self, names: Sequence[str]) -> None:
        """Suspend the boxes of these names, side by side."""

        def job(name: str) -> None:
            self.tell(Progress(name, "suspending"))
            open_box(self.catalog.box(name), self.project).suspend()
            self.tell(Progress(name, "suspended", done=True))

        made = [name for name in names if self.notes.read(name)]
        self._wake_libvirt(made)
        raise_first(each(made, job)[1])

    def _wake_libvirt(self, names: Sequence[str]) -> None:
        """Start libvirt's daemons if one of these boxes is a machine of libvirt."""
        notes = (self.notes.read(name) for name in names)
        if any(note.vagrant.provider == "libvirt" for note in notes if note):
            daemons.start_daemons(self.shell, self.project.state, self.tell)
