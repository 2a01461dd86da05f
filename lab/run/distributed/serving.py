"""The worker of a distributed run: a process that owns boxes and offers them to a scheduler until it is stopped."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence

from distributed import Status, Worker

from lab.boxes.base import Tell
from lab.errors import HostError
from lab.machines.ready import Ready
from lab.project import Project
from lab.run.distributed import resources
from lab.run.distributed.bench import Bench
from lab.run.distributed.cluster import (
    CONNECTED,
    PAGES,
    SPARE,
    cannot_reach,
    check_certificates,
    need_distributed,
    settings,
)
from lab.workers import signal_children, stopping


def serve(scheduler: str, ready: Sequence[Ready], project: Project, tell: Tell, started: Callable[[str], None]) -> None:
    """Offer these boxes to the scheduler until it ends, or until this process is interrupted.

    `started` is called with the address of the worker. HostError for a scheduler that cannot be reached, that ends, or
    that removes the worker. What runs left on the boxes is removed.
    """
    need_distributed()
    check_certificates(scheduler)
    bench = Bench(ready, project, tell)
    try:
        with settings(project):
            asyncio.run(_serve(scheduler, bench, started))
    except KeyboardInterrupt:
        stopping.set()
        bench.close()  # the cells that run end, because their connections are closed
        signal_children(signal.SIGINT)
        raise
    finally:
        bench.clear()
        bench.close()
    raise HostError(
        f"cannot serve any longer: the scheduler {scheduler} has ended, or has removed this worker",
        hint="run the same command again, once the scheduler answers",
    )


async def _serve(scheduler: str, bench: Bench, started: Callable[[str], None]) -> None:
    worker = Worker(
        scheduler,
        nthreads=len(bench.items) + SPARE,
        resources=resources.offered(bench.items.values()),
        plugins=(bench,),
        dashboard=False,
        dashboard_address=PAGES,
        death_timeout=CONNECTED,
    )
    try:
        await worker
        if worker.status is not Status.running:
            raise cannot_reach(scheduler, ConnectionError("it does not accept this worker"))
    except (OSError, TimeoutError, ValueError, RuntimeError, TypeError) as error:
        raise cannot_reach(scheduler, error) from error
    try:
        started(worker.address)
        await worker.finished()
    finally:
        await worker.close(executor_wait=False)
