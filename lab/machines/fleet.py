"""The boxes of a lineup together: up, suspend, down; and what this checkout has created."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from lab.boxes.base import Box, Tell
from lab.boxes.kinds import open_box
from lab.boxes.local import LocalBox
from lab.boxes.notes import Notes
from lab.boxes.specs import BoxSpec, LocalSpec, VagrantSpec
from lab.engines import host
from lab.engines.daemon import Daemon, check_apart
from lab.engines.engine import Engine
from lab.engines.ensure import ensure
from lab.engines.pins import EngineSpec
from lab.engines.stock import Stock
from lab.errors import Interrupted, LabError
from lab.machines import daemons, hypervisor, leftovers
from lab.machines.catalog import Catalog, pick
from lab.machines.preparation import Preparation, console, vagrant_id
from lab.model import Progress
from lab.project import Project
from lab.workers import Background, Once, each, raise_first, side_by_side


@dataclass(frozen=True, slots=True)
class Later:
    """An engine of a box whose archive is still being built.

    `start` waits for the archive and starts the engine; it returns None if the archive cannot be had.
    """

    name: str
    start: Callable[[], Engine | None]


@dataclass(frozen=True, slots=True)
class Ready:
    """A box that is up and the engines proven on it, in the order in which its file names them.

    `later` are the engines that are not started yet.
    """

    box: Box
    spec: BoxSpec
    engines: tuple[Engine, ...]
    later: tuple[Later, ...] = ()

    @property
    def engine_names(self) -> list[str]:
        """All engines of the box, also those that are not started yet."""
        return [engine.name for engine in self.engines] + [later.name for later in self.later]


class Fleet:
    """Boxes of one checkout; `tell` hears what happens, box by box."""

    def __init__(self, project: Project, catalog: Catalog, tell: Tell) -> None:
        self.project = project
        self.catalog = catalog
        self.tell = tell
        self.notes = Notes(project.state)
        self.shell = LocalBox("this machine")
        self.stock = Stock(catalog.engines, project.boxes / "engines", project.cache, self.shell)
        self.builds: list[Background[None]] = []

    def up(
        self,
        lineup: str,
        specs: Sequence[BoxSpec],
        provider: str = "auto",
        wanted: Sequence[str] = (),
        also: Sequence[str] = (),
        *,
        early: bool = False,
    ) -> list[Ready]:
        """Bring the boxes up side by side and prove their engines; idempotent, resumes what sleeps.

        `wanted` names the engines, the same on every box, instead of those in the boxes' files; `also` names more.
        Archives of engines are made beside the boxes. An optional box that fails is left out and said so, unless no
        other box is left. Raises the first error of any other box once all have ended, so that one box's failure costs
        the others nothing.

        With `early`, a box does not wait for an archive that takes minutes to build, except its first engine's: the
        archive is built in the background (see `settle`), and the engine is in the box's `later`.
        """
        vagrant = [spec for spec in specs if isinstance(spec, VagrantSpec)]
        making = Preparation(self.project, self.catalog, self.notes, self.shell, self.tell)
        prepared = Once(lambda: making.prepare(lineup, vagrant, provider))
        boxes = {spec.name: open_box(spec, self.project) for spec in specs}
        plans = {spec.name: self._plan(spec, wanted, also) for spec in specs}
        built = {pin.name: pin for plan in plans.values() for pin in plan if self._takes_minutes(pin)}

        def ready(spec: BoxSpec) -> Ready:
            if spec in vagrant:
                prepared()
                boxes[spec.name] = open_box(spec, self.project)  # its note may be new
            box = boxes[spec.name]
            box.bring_up(self.tell)
            first, *others = plans[spec.name]
            slow = [pin for pin in others if early and pin.name in built]
            pinned = [first, *(pin for pin in others if pin not in slow and (wanted or self._can_be_had(pin)))]
            found = tuple(self._start(box, pin) for pin in pinned)
            versions = ", ".join(engine.server for engine in found)
            self.tell(Progress(spec.name, f"ready, Docker {versions}", done=True))
            later = (Later(pin.name, partial(self._start_later, box, pin, needed=bool(wanted))) for pin in slow)
            return Ready(box, spec, found, tuple(later))

        def close() -> None:
            for box in boxes.values():
                box.close()

        jobs: dict[str, Callable[[], Ready | None]] = {spec.name: partial(ready, spec) for spec in specs}
        for pin in built.values():
            if early:
                self.builds.append(Background(f"engine {pin.name}", partial(self._build, pin)))
            else:
                jobs[f"engine {pin.name}"] = partial(self._build, pin)
        values, errors = side_by_side(jobs, on_stop=close)
        optional = {spec.name for spec in specs if spec.optional}
        up = [item for item in values.values() if item]
        errors = {name: error for name, error in errors.items() if name in boxes}
        for name, error in errors.items():
            self.tell(Progress(name, error.message, done=True, failed=True))
        raise_first({name: error for name, error in errors.items() if not (up and name in optional)})
        return sorted(up, key=lambda item: list(boxes).index(item.box.name))

    def _plan(self, spec: BoxSpec, wanted: Sequence[str], also: Sequence[str]) -> list[EngineSpec]:
        """The engines of a box: those wanted, else those of its file, and of `at_hand` those in the cache."""
        own = spec.private if isinstance(spec, LocalSpec) and host.may() else ()
        names = wanted or own or (*spec.engines, *(n for n in spec.at_hand if self.stock.at_hand(self._engine(n))))
        planned = [self._engine(name) for name in dict.fromkeys((*names, *also))]
        mine = isinstance(spec, LocalSpec)
        names = [pin.name for pin in planned]
        check_apart(host.Home(self.project.state, n).daemon if mine else Daemon(n, containerd=False) for n in names)
        return planned

    def _engine(self, name: str) -> EngineSpec:
        return pick(name, dict(self.catalog.engines), "engine")

    def uses_own_docker(self, spec: BoxSpec, wanted: Sequence[str] = (), also: Sequence[str] = ()) -> bool:
        """True if this box would be used with a Docker that lab did not bring: a run empties its images and cache."""
        if isinstance(spec, VagrantSpec):
            return False
        kinds = {pin.kind for pin in self._plan(spec, wanted, also)}
        return "installed" in kinds or ("distro" in kinds and not isinstance(spec, LocalSpec))

    def _start(self, box: Box, pin: EngineSpec) -> Engine:
        """Make an engine answer on a box; on this machine privately, beside any Docker it has."""
        if isinstance(box, LocalBox) and pin.archived:
            return host.start(box, pin, host.archives_of(pin, self.stock, self.tell), self.project.state, self.tell)
        return ensure(box, pin, self.stock, self.tell)

    def _start_later(self, box: Box, pin: EngineSpec, *, needed: bool) -> Engine | None:
        return self._start(box, pin) if needed or self._can_be_had(pin) else None

    def _takes_minutes(self, pin: EngineSpec) -> bool:
        """True for an engine that must be compiled, so that its archive is begun before a box needs it."""
        return pin.kind == "reverted" and not self.stock.at_hand(pin)

    def settle(self) -> None:
        """Wait for the archives that `up` left in the making: the next run finds them in the cache."""
        for build in self.builds:
            build.settle()
        self.builds.clear()

    def private(self) -> list[str]:
        """The engines that lab has running on this machine itself."""
        return host.leftovers(self.project.state)

    def stop_private(self, keep: Sequence[str] = ()) -> None:
        """End them and remove all that was made for them, but for those named."""
        for name in self.private():
            if name not in keep:
                self.tell(Progress(f"engine {name}", "removing from this machine"))
                host.stop(self.shell, name, self.project.state)

    def _build(self, pin: EngineSpec) -> None:
        """Make an archive; whoever needs it is told what went wrong."""
        with suppress(LabError):
            self.stock.archive(pin, self.tell)

    def _can_be_had(self, pin: EngineSpec) -> bool:
        """False if the engine's archive cannot be had, and that is said: a box can do without any but its first."""
        if pin.kind in ("distro", "installed"):
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
        """Put the boxes of these names to sleep, side by side."""

        def job(name: str) -> None:
            self.tell(Progress(name, "suspending"))
            open_box(self.catalog.box(name), self.project).suspend()
            self.tell(Progress(name, "suspended", done=True))

        made = [name for name in names if self.notes.read(name)]
        self._wake_libvirt(made)
        raise_first(each(made, job)[1])

    def down(self, names: Sequence[str]) -> list[str]:
        """Remove these boxes with everything that was made for them; returns the names of those removed.

        Works from the notes and from libvirt itself, so it also finds what an interrupted or killed run left.
        """
        local = [name for name in names if isinstance(self.catalog.boxes.get(name), LocalSpec) and self.private()][:1]
        if local:
            self.stop_private()
        libvirt = shutil.which("virsh") is not None
        noted = [name for name in names if self.notes.path(name).exists()]
        if libvirt and noted:
            daemons.start_daemons(self.shell, self.project.state, self.tell)
        libvirt = libvirt and daemons.answers(self.shell)
        there = hypervisor.domains(self.shell, self.project.prefix) if libvirt else []
        doomed = [name for name in names if name in noted or self.project.prefix + name in there]
        raise_first(each(doomed, lambda name: self._remove(name, libvirt))[1])
        if libvirt:
            hypervisor.remove_base_volumes(self.shell, "lab/")
            self._let_go()
        if not self.notes.boxes():
            shutil.rmtree(self.project.state / "registry", ignore_errors=True)  # the base image that runs shared
        return [*local, *doomed]

    def down_orphans(self) -> list[str]:
        """Remove machines of checkouts that are gone, and what of lab's stands in libvirt without a machine."""
        if not hypervisor.usable():
            return []
        daemons.start_daemons(self.shell, self.project.state, self.tell)
        names = leftovers.orphans(self.shell)
        for name in names:
            self.tell(Progress(name, "removing"))
            hypervisor.remove_domain(self.shell, name)
        if not leftovers.list_domains(self.shell):
            hypervisor.remove_volumes(self.shell, "lab-")
        self._let_go()
        return names

    def _let_go(self) -> None:
        """Remove the network and end the daemons, where nothing needs them any more."""
        hypervisor.remove_network(self.shell)
        needed = daemons.answers(self.shell) and bool(hypervisor.domains(self.shell))
        daemons.stop_daemons(self.shell, self.project.state, needed=needed)

    def _remove(self, name: str, libvirt: bool) -> None:
        self.tell(Progress(name, "removing"))
        spec = self.catalog.boxes.get(name)
        try:
            if isinstance(spec, VagrantSpec) and vagrant_id(self.project, name, "*").exists():
                open_box(spec, self.project).destroy()
        except LabError as error:
            # Vagrant may be gone or confused: libvirt is asked next, and the note goes only if it agrees
            if not (libvirt and vagrant_id(self.project, name).exists()):
                raise
            self.tell(Progress(name, f"Vagrant could not: {error.message}"))
        domain = self.project.prefix + name
        if libvirt and domain in hypervisor.domains(self.shell, self.project.prefix):
            hypervisor.remove_domain(self.shell, domain)
        shutil.rmtree(self.project.root / ".vagrant" / "machines" / name, ignore_errors=True)
        console(self.project, name).unlink(missing_ok=True)
        self.notes.forget(name)
        self.tell(Progress(name, "removed", done=True))

    def _wake_libvirt(self, names: Sequence[str]) -> None:
        """Start libvirt's daemons if one of these boxes lives there."""
        notes = (self.notes.read(name) for name in names)
        if any(note.vagrant.provider == "libvirt" for note in notes if note):
            daemons.start_daemons(self.shell, self.project.state, self.tell)
