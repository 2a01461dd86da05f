"""Cells on a scheduler: results are taken once, and none is waited for without end."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lab.errors import Fault, HostError
from lab.results.facts import BoxFacts
from lab.results.run import Production
from lab.run.distributed import cells, tasks
from tests.run.distributed.clusters import Taken, cluster, order, publish
from tests.run.distributed.replaying import ENGINE, Replaying, ready


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "TICK", 0.05)


def test_a_cell_sends_home_what_it_made(tmp_path: Path) -> None:
    with cluster(tmp_path, [ready("a")]) as (client, _):
        publish(client, tmp_path, order())
        taken = Taken(client)
        name = taken.prepare("a", ENGINE, produces=True)
        taken.cells.work()
        parcel = taken.parcels[name]
        assert [type(item) for item in parcel.items] == [BoxFacts, Production]
        assert parcel.failure is None and parcel.contexts
        assert [about for _, about, _ in parcel.exchanges][:2] == ["", f"a:{ENGINE}/facts"]
        assert taken.began == [name]
        ends = taken.cells.stop()
        [argv] = [result.command.argv for item in ends for _, _, result in item.exchanges]
        assert argv[:2] == ("sh", "-c") and argv[2].startswith("rm -rf ") and "; rmdir " in argv[2]


def test_a_cell_that_no_worker_can_make_is_marked_after_the_deadline(tmp_path: Path) -> None:
    with cluster(tmp_path, [ready("a")]) as (client, _):
        publish(client, tmp_path, order())
        taken = Taken(client)
        names = [taken.prepare("b", ENGINE), taken.prepare("a", "26.1.5")]
        taken.now += 61
        taken.cells.work()
        for name, lost in zip(names, ("box:b", "engine:a/26.1.5"), strict=True):
            failure = taken.parcels[name].failure
            assert failure and failure.fault is Fault.BOX
            assert "no worker offers" in failure.problem and lost in failure.problem
        assert client.scheduler_info()["workers"]  # which has done nothing wrong
        taken.cells.stop()


def test_a_cell_that_is_too_slow_is_marked_and_its_worker_stays(tmp_path: Path) -> None:
    item = ready("a")
    box = item.box
    assert isinstance(box, Replaying)
    with cluster(tmp_path, [item]) as (client, _):
        publish(client, tmp_path, order())
        taken = Taken(client)
        hangs, free = threading.Event(), threading.Event()

        def hang() -> None:
            hangs.set()
            assert free.wait(60)

        box.before_build = hang
        name = taken.prepare("a", ENGINE, produces=True)
        assert hangs.wait(60)
        waiter = threading.Timer(0.3, lambda: setattr(taken, "now", taken.now + 61))  # once the events have come
        waiter.start()
        taken.cells.work()
        free.set()
        failure = taken.parcels[name].failure
        assert failure and "it did not end within 60 s" in failure.problem
        assert len(client.scheduler_info()["workers"]) == 1
        taken.cells.stop()


def test_a_defect_in_a_worker_is_a_failure_and_not_a_traceback(tmp_path: Path) -> None:
    with cluster(tmp_path, [ready("a")]) as (client, _):
        taken = Taken(client)
        name = taken.prepare("a", ENGINE)  # nobody has published the run
        taken.cells.work()
        failure = taken.parcels[name].failure
        assert failure and failure.problem.startswith("cannot make the cell: KeyError")
        taken.cells.stop()


def test_cells_that_the_scheduler_has_lost_end_the_run(tmp_path: Path) -> None:
    item = ready("a", seconds=0.5)
    with cluster(tmp_path, [item]) as (client, _):
        publish(client, tmp_path, order())
        taken = Taken(client)
        taken.prepare("a", ENGINE, produces=True)
        [waiting] = taken.cells._waiting.values()
        client.cancel([waiting.future], force=True)
        with pytest.raises(HostError, match="does not know its cells"):
            taken.cells.work()
        taken.cells.stop()


def test_the_cell_of_another_run_that_has_its_box_is_waited_for(tmp_path: Path) -> None:
    with cluster(tmp_path, [ready("a")]) as (client, _):
        publish(client, tmp_path, order())
        taken = Taken(client)
        [worker] = client.scheduler_info()["workers"]
        event = {"token": "other", "box": "a", "cell": f"a:{ENGINE}", "worker": worker, "state": "begun"}
        taken.cells._hear(event)
        name = taken.prepare("a", ENGINE)
        taken.now += 61
        taken.cells._end_wait("a")
        assert taken.parcels == {} and taken.began == []
        taken.cells.work()
        assert taken.parcels[name].failure is None
        taken.cells.stop()
        assert client.get_metadata([tasks.ROOT, "run-1"]) is None
