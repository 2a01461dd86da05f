"""The tasks that a distributed run gives to Dask; each runs on a worker that owns the box of its cell."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from distributed import Worker, get_client, get_worker

from lab import __version__
from lab.errors import LabError, UsageError
from lab.model import TrialKey
from lab.run.distributed.bench import NAME, Bench, Post
from lab.run.distributed.parcels import Failure, Order, Parcel
from lab.run.expectations import Expectation

TOPIC = "lab"  # of Dask's events: which cell begins and ends on which box
ROOT = "lab"  # of the scheduler's metadata, below which each run has its own
ORDER, SCENARIO = "order", "scenario"


def made_by(box: str, engine: str) -> str:
    """The name of the metadata that has the facts and the production of a box with an engine."""
    return f"made {box}:{engine}"


def base(token: str, cell: str, box: str, engine: str) -> Parcel:
    """Make the base image of the run on a box."""

    def work(post: Post, address: str) -> Parcel:
        made = post.base(engine)
        parcel = post.parcel(address)
        parcel.base = made
        return parcel

    return _cell(token, cell, box, work)


def prepare(token: str, cell: str, box: str, engine: str, produces: bool) -> Parcel:
    """Ask a box for its facts with an engine, and let it produce."""

    def work(post: Post, address: str) -> Parcel:
        post.prepare(_known(token, SCENARIO), engine, produces=produces)
        return post.parcel(address)

    return _cell(token, cell, box, work)


def rebuild(token: str, cell: str, name: str, plan: Expectation) -> Parcel:
    """Make the trial of this name, of which `plan` is expected."""
    key = TrialKey.parse(name)

    def work(post: Post, address: str) -> Parcel:
        facts, source = _known(token, made_by(key.producer, key.producer_engine))
        post.rebuild(_known(token, SCENARIO), key, source, facts, plan)
        return post.parcel(address)

    return _cell(token, cell, key.consumer, work)


def clear(token: str) -> list[Parcel]:
    """Remove what the run left on the boxes of this worker; the commands of that."""
    _read.pop(token, None)
    return _bench(get_worker()).clear(token)


def _cell(token: str, cell: str, box: str, work: Callable[[Post, str], Parcel]) -> Parcel:
    """Do the work of a cell, and report when it begins and ends; a failure travels as a value."""
    worker = get_worker()
    event = {"token": token, "box": box, "cell": cell, "worker": worker.address}
    worker.log_event(TOPIC, {**event, "state": "begun"})
    post = None
    try:
        order: Order = _known(token, ORDER)
        if order.version != __version__:
            raise UsageError(f"cannot work for lab {order.version}: the worker {worker.address} has lab {__version__}")
        post = _bench(worker).post(order, box)
        with post.busy:
            return work(post, worker.address)
    except LabError as error:
        parcel = post.parcel(worker.address) if post else Parcel(worker.address)
        parcel.failure = Failure.of(error)
        return parcel
    finally:
        worker.log_event(TOPIC, {**event, "state": "ended"})


_read: dict[str, dict[str, Any]] = {}  # what was read of the scheduler's metadata, by run


def _known(token: str, name: str) -> Any:
    """What the client has stored of a run in the scheduler; it is read once."""
    mine = _read.setdefault(token, {})
    if name not in mine:
        mine[name] = pickle.loads(get_client().get_metadata([ROOT, token, name]))
    return mine[name]


def _bench(worker: Worker) -> Bench:
    bench = worker.plugins[NAME]
    assert isinstance(bench, Bench)
    return bench
