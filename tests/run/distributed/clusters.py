"""Clusters of this process for tests, with replaying boxes, and the parts of a run on them."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from distributed import Client

from lab import __version__
from lab.machines.ready import Ready
from lab.registry.server import Registry
from lab.run.base_image import BaseWish
from lab.run.distributed import tasks
from lab.run.distributed.bench import Bench
from lab.run.distributed.cells import Cells
from lab.run.distributed.cluster import of_this_process
from lab.run.distributed.parcels import Order, Parcel
from lab.run.scenarios import load_scenario
from tests import reporting
from tests.run.distributed.replaying import STORE
from tests.run.distributed.workplace import project, quiet

TOKEN = "run-1"


def order(token: str = TOKEN, version: str = __version__, store: Registry = STORE, door: str | None = None) -> Order:
    """The order of a run that has nothing yet."""
    run = reporting.run().model_copy(update={"name": token, "productions": (), "boxes": (), "trials": ()})
    return Order(version, token, run, store, door, BaseWish("alpine:3.11.6"), ())


@contextmanager
def cluster(folder: Path, ready: Sequence[Ready]) -> Iterator[tuple[Client, Bench]]:
    """A cluster of this process that offers these boxes."""
    bench = Bench(ready, project(folder), quiet())
    with of_this_process(bench) as client:
        yield client, bench


def publish(client: Client, folder: Path, made: Order) -> None:
    """Give the scheduler what the workers of a run read."""
    scenario = load_scenario(project(folder).scenarios / "copy-bust", "alpine:3.11.6")
    for name, value in ((tasks.ORDER, made), (tasks.SCENARIO, scenario)):
        client.set_metadata([tasks.ROOT, made.token, name], pickle.dumps(value))


class Taken:
    """The cells of a run, and what became of them by their names."""

    def __init__(self, client: Client, seconds: float = 60.0, token: str = TOKEN) -> None:
        self.began: list[str] = []
        self.parcels: dict[str, Parcel] = {}
        self.now = 0.0
        self.cells = Cells(client, token, seconds, self.began.append, lambda: self.now)

    def prepare(self, box: str, engine: str, *, produces: bool = False) -> str:
        """Give the cell that prepares a box; its name."""
        name = f"{box}:{engine}"
        take = lambda parcel: self.parcels.update({name: parcel})  # noqa: E731
        self.cells.give(name, box, engine, take, tasks.prepare, box, engine, produces)
        return name
