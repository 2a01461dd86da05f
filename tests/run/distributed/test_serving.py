"""The worker: it serves until its scheduler ends, and says so; a scheduler that does not answer is an error."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from distributed import LocalCluster

from lab.errors import HostError
from lab.run.distributed import serving
from lab.run.distributed.cluster import PAGES, settings
from lab.run.distributed.serving import serve
from tests.run.distributed.replaying import Replaying, ready
from tests.run.distributed.workplace import project, quiet


def test_a_scheduler_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "CONNECTED", 0.3)  # half a minute otherwise
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # bound, and nothing listens
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        with pytest.raises(HostError, match="cannot reach the scheduler"):
            serve(address, [ready("a")], project(tmp_path), quiet(), lambda address: None)


def test_a_worker_ends_with_its_scheduler_and_closes_its_boxes(tmp_path: Path) -> None:
    item = ready("a")
    closed = threading.Event()
    assert isinstance(item.box, Replaying)
    item.box.close = closed.set  # type: ignore[method-assign]
    where = project(tmp_path)
    pages = {"dashboard": False, "dashboard_address": PAGES}
    with settings(where):
        scheduler = LocalCluster(n_workers=0, processes=False, protocol="tcp", scheduler_kwargs=pages)
    enders: list[threading.Thread] = []

    def started(address: str) -> None:
        assert address.startswith("tcp://")
        enders.append(threading.Thread(target=scheduler.close))
        enders[0].start()

    with pytest.raises(HostError, match="has ended, or has removed this worker"):
        serve(scheduler.scheduler_address, [item], where, quiet(), started)
    enders[0].join()
    assert closed.is_set()
