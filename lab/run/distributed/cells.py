"""Gives the cells of a run to Dask and takes their results as they come; which worker makes a cell is Dask's choice."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from distributed import Client, Future, fire_and_forget, wait

from lab.errors import Fault, HostError
from lab.run.distributed import resources, tasks
from lab.run.distributed.deadlines import Deadlines
from lab.run.distributed.parcels import Failure, Parcel

TICK = 0.5  # seconds between two looks at the deadlines
BATCH = 256  # results that are fetched together, and events that are read between two looks
ANSWERED = 10  # seconds in which a worker that is not frozen answers, and in which a result is fetched
CLEARED = 60  # seconds for the removal of files at the end
Take = Callable[[Parcel], None]


@dataclass(frozen=True, slots=True)
class Cell:
    """A task of the run: its name, its box, what it needs, its future, and who takes its result."""

    name: str
    box: str
    needs: Mapping[str, float]
    future: Future[Parcel]
    take: Take


class Cells:
    """The cells of one run that were given to the scheduler and have no result yet.

    `seconds` is the deadline of each cell. `begun` is called with the name of a cell that has begun. All results are
    taken in the thread that calls `work`.
    """

    def __init__(
        self,
        client: Client,
        token: str,
        seconds: float,
        begun: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client = client
        self.token = token
        self.begun = begun
        self.deadlines = Deadlines(seconds, clock)
        self._waiting: dict[str, Cell] = {}
        self._given = 0
        self._news: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        client.subscribe_topic(tasks.TOPIC, lambda event: self._news.put(("event", event[1])))

    def give(self, name: str, box: str, engine: str, take: Take, task: Callable[..., Parcel], *words: object) -> None:
        """Give a cell to the scheduler, for a worker that has the box and the engine; a box makes earlier cells first.

        `take` gets what the cell has made.
        """
        needs = resources.needed(box, engine)
        self._given += 1
        future = self.client.submit(
            task,
            self.token,
            name,
            *words,
            key=f"lab-{self.token}-{name}",
            resources=dict(needs),
            priority=-self._given,  # Dask takes the order of tasks that come together as unimportant
            pure=False,
        )
        self._waiting[name] = Cell(name, box, needs, future, take)
        self.deadlines.add(box, name)
        future.add_done_callback(lambda done: self._news.put(("done", name)))

    def withdraw(self, names: Iterable[str]) -> None:
        """Take cells back from the scheduler; one that is done all the same keeps its result."""
        found = [cell for name in names if (cell := self._waiting.get(name)) and not cell.future.done()]
        self.client.cancel([cell.future for cell in found])
        for cell in found:
            del self._waiting[cell.name]
            self.deadlines.drop(cell.box, cell.name)

    def work(self) -> None:
        """Take results until no cell is left; a cell that was taken may have given others."""
        looked = time.monotonic()
        while self._waiting:
            done = []
            for kind, what in self._latest():
                if kind == "done":
                    done.append(what)
                else:
                    self._hear(what)
            self._finish(done)
            if time.monotonic() - looked >= TICK:
                looked = time.monotonic()
                for box in self.deadlines.overdue():
                    self._end_wait(box)

    def _latest(self) -> Iterator[tuple[str, Any]]:
        """Wait for one piece of news, and give it with those that have come since, at most BATCH together."""
        with suppress(queue.Empty):
            yield self._news.get(timeout=TICK)
            for _ in range(BATCH - 1):
                yield self._news.get_nowait()

    def _finish(self, names: Sequence[str]) -> None:
        """Take the results of these cells, which are fetched together: one way there and back for each is slow."""
        found = [cell for name in names if (cell := self._waiting.get(name))]
        good = [cell.future for cell in found if cell.future.status == "finished"]

        async def fetch() -> list[Parcel]:
            return list(await self.client.gather(good, asynchronous=True))

        parcels: dict[object, Parcel] = {}
        if len(good) > 1:
            with suppress(Exception):  # each is then fetched alone, and shows what is wrong with it
                fetched = self.client.sync(fetch, callback_timeout=ANSWERED)
                parcels = dict(zip((future.key for future in good), fetched, strict=True))
        for cell in found:
            if parcel := parcels.get(cell.future.key):
                self._take(cell, parcel)
            else:
                self._done(cell.name)

    def stop(self, seconds: float = CLEARED) -> list[Parcel]:
        """Cancel all cells that are left, and let each worker remove what the run left on its boxes.

        Returns the commands of that. It waits for that for so many seconds; a worker that still makes a cell removes
        the files after it. A scheduler that is lost is no error here.
        """
        found: list[Parcel] = []
        ends: list[Future[list[Parcel]]] = []
        with suppress(OSError, TimeoutError):  # CommClosedError of Dask is an OSError
            if self._waiting:
                self.client.cancel([cell.future for cell in self._waiting.values()], force=True)
                self._waiting.clear()
            self.client.unsubscribe_topic(tasks.TOPIC)
            ends = [self._clear(worker) for worker in self._workers()]
            fire_and_forget(ends)
            with self.client.as_current():
                wait(ends, timeout=seconds)
        with suppress(OSError, TimeoutError):
            for end in (item for item in ends if item.status == "finished"):
                found += end.result(timeout=ANSWERED)
            self.client.set_metadata([tasks.ROOT, self.token], None)
        return found

    def _clear(self, worker: str) -> Future[list[Parcel]]:
        key = f"lab-clear-{self.token}-{worker}"
        return self.client.submit(tasks.clear, self.token, workers=[worker], key=key, pure=False)

    def _hear(self, event: dict[str, str]) -> None:
        """Note which cell begins or ends on a box; another run may use the same box."""
        own = event["token"] == self.token
        name = event["cell"] if own else f"{event['token']} {event['cell']}"
        if event["state"] == "ended":
            self.deadlines.ended(event["box"], name)
            return
        self.deadlines.begun(event["box"], name, event["worker"])
        if own and name in self._waiting:
            self.begun(name)

    def _done(self, name: str) -> None:
        """Take the result of a cell, unless it was marked before."""
        cell = self._waiting.get(name)
        if cell is None:
            return
        if cell.future.status in ("cancelled", "lost"):
            raise HostError(
                "cannot go on with the run: the scheduler does not know its cells any more",
                hint="start the scheduler and its workers, and run the same command again",
            )
        try:
            parcel = cell.future.result(timeout=ANSWERED)
        except TimeoutError:  # the worker that has the result does not answer: the deadline decides
            future = cell.future
            future.add_done_callback(partial(self._again, name))
            return
        except Exception as error:  # KilledWorker, or a defect in a worker, whose type may not exist here
            parcel = Parcel("", failure=Failure(Fault.BOX, f"cannot make the cell: {type(error).__name__}: {error}"))
        self._take(cell, parcel)

    def _again(self, name: str, done: Future[Parcel]) -> None:
        time.sleep(TICK)  # in the thread of callbacks, so that a worker that does not answer is not asked at once
        self._news.put(("done", name))

    def _take(self, cell: Cell, parcel: Parcel) -> None:
        del self._waiting[cell.name]
        self.deadlines.drop(cell.box, cell.name)
        cell.future.release()
        cell.take(parcel)

    def _workers(self) -> dict[str, dict[str, float]]:
        """The resources of each worker that the scheduler knows, by its address."""
        found = self.client.scheduler_info(n_workers=-1)["workers"]
        return {address: dict(item["resources"]) for address, item in found.items()}

    def _end_wait(self, box: str) -> None:
        """End the wait for a box of which nothing was heard for too long.

        Cells that no worker can make are marked, and so is a cell that is too slow on a worker that answers. A worker
        that does not answer, or that begins no cell, is taken from the scheduler, which gives its cells to others. The
        cell of another run has the deadline of that run.
        """
        self.deadlines.hear(box)
        mine = [cell for cell in self._waiting.values() if cell.box == box]
        workers = self._workers()
        for cell in mine:
            if not any(resources.offers(own, cell.needs) for own in workers.values()):
                names = ", ".join(sorted(cell.needs))
                self._mark(cell, f"no worker offers {names}, and none came within {self.deadlines.seconds:g} s")
        if all(cell.name not in self._waiting for cell in mine):
            return
        having = [address for address, own in workers.items() if resources.of_box(box) in own]
        answering = [address for address in having if self._answers(address)]
        name, worker = self.deadlines.running(box) or ("", "")
        if name and worker in answering:
            if name in self._waiting:
                self._mark(self._waiting[name], f"it did not end within {self.deadlines.seconds:g} s on {worker}")
            return
        for address in [item for item in having if item not in answering] or having:
            self._give_up(address)

    def _mark(self, cell: Cell, why: str) -> None:
        """Give a cell up: its future is cancelled, and its result is a failure of the box."""
        self.client.cancel([cell.future], force=True)
        self._take(cell, Parcel("", failure=Failure(Fault.BOX, f"cannot make the cell on {cell.box}: {why}")))

    def _answers(self, address: str) -> bool:
        """True if a worker answers; a frozen one keeps its connection open and does not."""
        try:
            found = self.client.run(int, workers=[address], on_error="return", callback_timeout=ANSWERED)
        except (TimeoutError, OSError):
            return False
        return bool(found.get(address) == 0)

    def _give_up(self, address: str) -> None:
        """Let the scheduler remove a worker, as it does itself where a worker sends no sign of life."""
        assert self.client.scheduler is not None
        remove = self.client.scheduler.unregister
        with suppress(TimeoutError, OSError):
            self.client.sync(remove, address=address, stimulus_id="lab-cell-deadline", callback_timeout=ANSWERED)
