"""What a worker of a distributed run owns: its boxes with their engines, and its part of each run that uses them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from distributed import Worker
from distributed.diagnostics.plugin import WorkerPlugin

from lab.boxes.base import Tell
from lab.boxes.recording import RecordingBox
from lab.engines.engine import Engine
from lab.errors import BoxError, EngineError, LabError, RegistryError
from lab.machines.ready import Ready
from lab.model import Progress, TrialKey
from lab.notices import Notice, listening_here
from lab.project import Project
from lab.registry import server
from lab.registry.server import Registry
from lab.results.facts import BoxFacts
from lab.results.run import Base, Production
from lab.run import base_image
from lab.run.builders.table import split, with_builders
from lab.run.crew import Crew
from lab.run.distributed.collector import Collector, Exchanges
from lab.run.distributed.parcels import Order, Parcel
from lab.run.distributed.tunnel import End, open_door
from lab.run.expectations import Expectation
from lab.run.experiment import rulebook
from lab.run.manner import Manner
from lab.run.scenarios import Scenario
from lab.run.station import Station

NAME = "lab"
OPENED = 30  # seconds in which a port of the loopback opens
ENDED = 45  # seconds in which the cell that a box makes ends, before the files of its run are removed


class Post:
    """One box in one run. Cells come one at a time; what they make is collected until `parcel` takes it.

    `manner` and `used` are those of all posts of the run on this worker.
    """

    def __init__(
        self, item: Ready, order: Order, project: Project, tell: Tell, manner: Manner, used: list[Station]
    ) -> None:
        self.item = item
        self.order = order
        self.project = project
        self.tell = tell
        self.manner = manner
        self.used = used
        self.busy = threading.Lock()
        self.exchanges = Exchanges()
        self.notices: list[Notice] = []
        self.collector = Collector(order.run)
        self.box = RecordingBox(item.box, self.exchanges)
        order.store.hide([self.box])
        self._crew: Crew | None = None

    def parcel(self, worker: str) -> Parcel:
        """What was made since the last call."""
        made = Parcel(worker, self.collector.items, self.collector.contexts, self.exchanges.made, self.notices)
        self.collector.items, self.collector.contexts = [], []
        self.exchanges.made, self.notices = [], []
        return made

    def base(self, engine: str) -> Base | None:
        """Make the base image of the run."""
        with listening_here(self.notices.append):
            return base_image.make(self.order.base, self.order.store, self.box, self.engine(engine), self.tell)

    def prepare(self, scenario: Scenario, engine: str, *, produces: bool) -> None:
        """Ask the box for its facts with an engine, and let it produce."""
        with listening_here(self.notices.append):
            station = self._station(self.crew(scenario), engine)
            if produces:
                self.crew(scenario).produce(station)

    def rebuild(
        self, scenario: Scenario, key: TrialKey, source: Production, producer: BoxFacts, plan: Expectation
    ) -> None:
        """Make one trial of the box; its facts are gathered first if another worker prepared the engine."""
        with listening_here(self.notices.append):
            crew = self.crew(scenario)
            self.collector.add(crew.rebuild(key, self._station(crew, key.engine), source, producer, plan))

    def crew(self, scenario: Scenario) -> Crew:
        """The crew of this box alone."""
        if self._crew is None:
            self._crew = Crew(
                scenario,
                self.collector,
                {self.item.box.name: self.box},
                self.order.store,
                rulebook(self.project.boxes),
                self.tell,
                thorough=bool(self.order.variations),
                manner=self.manner,
                state=self.project.state,
                used=self.used,
            )
            self._crew.agenda.vary(scenario.variations(self.order.variations))
        return self._crew

    def _station(self, crew: Crew, engine: str) -> Station:
        name = self.item.box.name
        if (name, engine) not in crew.stations:
            crew.stations[name, engine] = crew.station(self.item, self.engine(engine))
        return crew.stations[name, engine]

    def engine(self, name: str) -> Engine:
        """An engine of the box by its name in a run, which also names its builder and its cache."""
        plain, builder, cache = split(name)
        same = tuple(engine for engine in self.item.engines if engine.name == plain)
        if not same:
            raise EngineError(f"cannot use the engine {plain} on {self.item.box.name}: this worker has not started it")
        alone = replace(self.item, engines=same, later=())
        return with_builders(alone, (builder,) if builder else (), {plain: (cache,)}).engines[0]

    def forget(self) -> None:
        """Assume nothing of the engines any more: another run has used them."""
        if self._crew:
            self._crew.emptied.clear()


class Part:
    """What a worker does in one run: the posts of its boxes, and their forwards to the registry."""

    def __init__(self, order: Order, project: Project, tell: Tell) -> None:
        self.order = order
        self.project = project
        self.tell = tell
        self.manner = Manner()
        self.used: list[Station] = []
        self.posts: dict[str, Post] = {}
        self._doors = ExitStack()

    def post(self, item: Ready) -> Post:
        """The post of a box, whose forward to the registry is open."""
        if item.box.name not in self.posts:
            self._doors.enter_context(server.doors(self.order.store, [item.box]))
            self.posts[item.box.name] = Post(item, self.order, self.project, self.tell, self.manner, self.used)
        return self.posts[item.box.name]

    def close(self, worker: str) -> list[Parcel]:
        """Remove the files of the run from the boxes, and close the forwards; BoxError while a box makes a cell."""
        with ExitStack() as held:
            for post in self.posts.values():
                if not post.busy.acquire(timeout=ENDED):
                    name = self.order.run.name
                    raise BoxError(f"cannot remove the files of {name}: {post.item.box.name} still makes a cell")
                held.callback(post.busy.release)
            with self._doors:
                self.manner.clear(self.used, Path(self.order.run.name), self.project.state, self.tell)
                self.used.clear()
            return [post.parcel(worker) for post in self.posts.values()]


class Bench(WorkerPlugin):
    """The boxes of a worker; the cells find it by its name among the plugins of the worker."""

    name = NAME

    def __init__(self, ready: Sequence[Ready], project: Project, tell: Tell) -> None:
        self.items = {item.box.name: item for item in ready}
        self.project = project
        self.tell = tell
        self._lock = threading.Lock()
        self._parts: dict[str, Part] = {}  # by run
        self._last: dict[str, str] = {}  # the run that used a box last
        self._doors: dict[int, tuple[Registry, End]] = {}  # by the port of the loopback
        self._worker: Worker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def setup(self, worker: Worker) -> None:
        """Take the worker that owns the boxes."""
        self._worker, self._loop = worker, asyncio.get_running_loop()

    async def teardown(self, worker: Worker) -> None:
        """Close the ways to registries; the parts of runs are closed by who runs the worker."""
        for _, door in self._doors.values():
            await door.close()
        self._doors.clear()

    def post(self, order: Order, box: str) -> Post:
        """The post of a box in a run; LabError if the registry of the run cannot be reached."""
        with self._lock:
            self._reach(order)
            if order.token not in self._parts:
                self._parts[order.token] = Part(order, self.project, self.tell)
            post = self._parts[order.token].post(self.items[box])
            if self._last.get(box) != order.token:
                post.forget()
                self._last[box] = order.token
            return post

    def clear(self, token: str | None = None) -> list[Parcel]:
        """Remove what a run left on the boxes, or what all runs left; the commands of that, of each box."""
        found: list[Parcel] = []
        with self._lock:
            parts = {name: part for name, part in self._parts.items() if token in (None, name)}
        for name, part in parts.items():
            try:
                found += part.close(self._worker.address if self._worker else "")
                self._parts.pop(name, None)
            except LabError as error:  # the end of the worker tries again
                self.tell(Progress(name, error.message, failed=True))
        return found

    def _reach(self, order: Order) -> None:
        """Open the way to the registry of a run if this machine has none."""
        store, worker, loop = order.store, self._worker, self._loop
        if order.door is None or store.port is None or store.problem() is None:
            return
        assert worker is not None and loop is not None
        if known := self._doors.pop(store.port, None):
            if known[0] != store and known[0].problem() is None:
                self._doors[store.port] = known
                raise RegistryError(
                    f"cannot offer the registry of the run on port {store.port}: another run has that port here",
                    hint="make a new run with --registry-port and another port",
                )
            asyncio.run_coroutine_threadsafe(known[1].close(), loop).result(OPENED)
        opening = open_door(order.door, store.port, worker.security)
        try:
            door = asyncio.run_coroutine_threadsafe(opening, loop).result(OPENED)
        except OSError as error:
            raise RegistryError(f"cannot offer the registry of the run on port {store.port}: {error}") from error
        self._doors[store.port] = store, door
        if problem := store.problem():
            raise RegistryError(
                f"cannot reach the registry of the run through {order.door}: it {problem}",
                hint="--registry-address names an address of the client that workers can reach",
            )

    def close(self) -> None:
        """Close the boxes, at the end of the worker."""
        for item in self.items.values():
            with suppress(LabError):
                item.box.close()
