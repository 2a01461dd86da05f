"""Runs side by side on this machine: each lane has instances of engines of its own, and makes one run at a time.

A lane keeps an engine for as long as there is work for it, so that the engine serves many runs in turn. It then takes
the engine with the most work left, even if another lane has an instance of it too.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.boxes.base import Box, Tell
from lab.boxes.kinds.table import open_box
from lab.boxes.specs import BoxSpec
from lab.engines import host, memory
from lab.engines.engine import Engine
from lab.engines.spec import EngineSpec
from lab.errors import BoxError, Interrupted, LabError
from lab.machines.fleet import Fleet
from lab.machines.ready import Ready
from lab.model import Progress
from lab.project import Project
from lab.registry import server
from lab.registry.server import Registry
from lab.results.run import Run
from lab.run import base_image
from lab.run.builders.table import bring_buildx
from lab.run.case_jobs import Job
from lab.run.experiment import perform
from lab.run.recorder import Watch, unwatched
from lab.run.wish import Wish
from lab.workers import Once, each, raise_first, stopping

Done = Callable[[Job, Run | LabError], None]
Make = Callable[[Wish, Sequence[Ready], Project, Tell, Watch, Registry | None], tuple[Path, Run]]
KEPT = "lab-runs/.lanes"  # below the home folder: while it is there, no run removes the folder of runs


@dataclass
class Queue:
    """The jobs that nobody has taken yet, by engine, in order; lanes take from it side by side.

    `memory` is how many MiB of memory the data of each instance may take, 0 for data on the disk.
    """

    waiting: dict[str, list[Job]]
    memory: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)
    numbers: dict[str, int] = field(default_factory=dict)

    def take(self, engines: Sequence[str]) -> Job | None:
        """The next job: of one of these engines if it has any, else of the engine with the most; None at the end."""
        with self.guard:
            left = {name: jobs for name, jobs in self.waiting.items() if jobs}
            mine = {name: jobs for name, jobs in left.items() if name in engines} or left
            return max(mine.values(), key=len).pop(0) if mine else None

    def drop(self, engine: str) -> list[Job]:
        """Remove the jobs of an engine, and return them."""
        with self.guard:
            return self.waiting.pop(engine, [])

    def has(self, engine: str) -> bool:
        """True if a job of the engine is left."""
        with self.guard:
            return bool(self.waiting.get(engine))

    def instance(self, pin: EngineSpec) -> EngineSpec:
        """A new instance of an engine."""
        with self.guard:
            number = self.numbers[pin.name] = self.numbers.get(pin.name, 0) + 1
            return pin.instance(number, self.memory)


class Lane:
    """One lane: its box, and the instances that it has started."""

    def __init__(self, name: str, spec: BoxSpec, fleet: Fleet, queue: Queue) -> None:
        self.name = name
        self.spec = spec
        self.fleet = fleet
        self.queue = queue
        self.box: Box = open_box(spec, fleet.project)
        self.engines: dict[str, tuple[EngineSpec, Engine]] = {}

    def ready(self, job: Job) -> Ready:
        """The box with the engines of the job, which are started if this lane has not got them; others may end."""
        for name in [name for name in self.engines if name not in job.engines and not self.queue.has(name)]:
            host.stop(self.fleet.shell, self.engines.pop(name)[0].home, self.fleet.project.state)
        for name in job.engines:
            if name not in self.engines:
                pin = self.queue.instance(self.fleet.catalog.engine(name))
                self.engines[name] = pin, self.fleet.start_instance(self.box, self.spec, pin)
        return Ready(self.box, self.spec, tuple(self.engines[name][1] for name in job.engines))


def run(
    jobs: Sequence[Job], fleet: Fleet, spec: BoxSpec, lineup: str, count: int, done: Done, *, mebibytes: int = 0
) -> None:
    """Make all jobs in `count` lanes on this machine, and call `done` with each run, or with the error that ended it.

    All runs share one registry and one base image, the busybox of this machine if it has one. `mebibytes` is how
    much memory the data of an engine may take, 0 for data on the disk. Raises Interrupted after Ctrl-C, and the error
    of a registry that does not start.
    """
    queue = Queue(by_engine(jobs), mebibytes)
    fleet.stock.with_buildx = bring_buildx([name for job in jobs for name in job.builders])
    for name in dict.fromkeys(name for job in jobs for name in job.engines):
        fleet.stock.archives(fleet.catalog.engine(name), fleet.tell)  # before two lanes want it at once
    lanes = {f"lane {number}": Lane(f"lane {number}", spec, fleet, queue) for number in range(1, count + 1)}
    shell = fleet.shell
    with ExitStack() as stack:
        store = stack.enter_context(server.serve(None, None, fleet.tell, store=fleet.project.state))
        stack.callback(shell.run, ["sh", "-c", f'rmdir "$HOME/{KEPT}" && rmdir "$HOME/lab-runs"'])
        shell.check(["sh", "-c", f'umask 077 && mkdir -p "$HOME/{KEPT}"'], doing="make the folder of runs")
        check = Check(fleet, store, lineup, len(jobs), done)
        raise_first(each(lanes, lambda name: check.work(lanes[name]))[1])


def by_engine(jobs: Sequence[Job]) -> dict[str, list[Job]]:
    """The jobs of each engine, in order."""
    found: dict[str, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.engine, []).append(job)
    return found


class Check:
    """What the lanes share: the registry, the base image, and the count of jobs that are made.

    `make` makes one run.
    """

    def __init__(
        self, fleet: Fleet, store: Registry, lineup: str, total: int, done: Done, make: Make = perform
    ) -> None:
        self.fleet = fleet
        self.store = store
        self.lineup = lineup
        self.total = total
        self.done = done
        self.make = make
        self._made = 0
        self._guard = threading.Lock()
        self._base: Once[str] | None = None

    def work(self, lane: Lane) -> None:
        """Make jobs until none is left; the failure of one costs only that one."""
        while not stopping.is_set() and (job := lane.queue.take(tuple(lane.engines))):
            self.fleet.tell(Progress(lane.name, job.name))
            try:
                ready = lane.ready(job)
                base = self._base_image(ready)
            except Interrupted:
                raise
            except LabError as error:
                # an engine that does not start would only let its other jobs wait for it again
                others = [] if job.engine in lane.engines else lane.queue.drop(job.engine)
                for lost in (job, *others):
                    self._end(lane, lost, error)
                continue
            self._end(lane, job, self._run(lane, job, ready, base))
        self.fleet.tell(Progress(lane.name, "no work is left", done=True))

    def _run(self, lane: Lane, job: Job, ready: Ready, base: str) -> Run | LabError:
        wish, store = job.wish(self.lineup, base), replace(self.store, folder=lane.name.replace(" ", "-"))
        try:
            return self.make(wish, [ready], self.fleet.project, self._quiet, unwatched, store)[1]
        except Interrupted:
            raise
        except LabError as error:
            return error

    def _end(self, lane: Lane, job: Job, found: Run | LabError) -> None:
        """Report a job that has ended."""
        failed = isinstance(found, LabError) or not found.as_expected
        what = found.message if isinstance(found, LabError) else "not as expected" if failed else "as expected"
        with self._guard:
            self._made += 1
            self.done(job, found)
            self.fleet.tell(Progress(lane.name, f"{self._made} of {self.total}: {job.name}: {what}", failed=failed))

    def _base_image(self, ready: Ready) -> str:
        """The base image that all runs use, made by the first lane that needs it."""
        with self._guard:
            if self._base is None:
                self._base = Once(lambda: _base(self.store, ready, self.fleet))
        return self._base()

    def _quiet(self, event: Progress) -> None:
        """Runs side by side would write over each other: only failures are shown."""
        if event.failed:
            self.fleet.tell(event)


def _base(store: Registry, ready: Ready, fleet: Fleet) -> str:
    engine = ready.engines[0]
    try:
        return base_image.busybox(store, ready.box, engine, fleet.tell).reference
    except BoxError:
        return base_image.choose(None, store, ready.box, engine, fleet.tell).reference


def usual_count() -> int:
    """How many lanes there are by default: one more than processors, since a lane also waits for the disk."""
    return (os.cpu_count() or 1) + 1


def no_memory(jobs: Sequence[Job], fleet: Fleet, count: int) -> str | None:
    """Why the data of the engines of so many lanes cannot be in memory; None if it can."""
    engines = {name for job in jobs for name in job.engines}  # a lane keeps each until no work is left for it
    return memory.refusal(fleet.shell, fleet.project.state / "engines", count * len(engines))


def can(pins: Mapping[str, EngineSpec], specs: Sequence[BoxSpec], fleet: Fleet) -> bool:
    """True if lanes can be made: one box, which is this machine, and engines that run privately on it."""
    return len(specs) == 1 and specs[0].kind == "local" and host.may() and all(map(fleet.stock.parts, pins.values()))
