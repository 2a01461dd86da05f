"""Tasks on a worker: failures travel as values, and a worker of another version makes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import Fault
from lab.run.distributed import tasks
from tests.run.distributed.clusters import TOKEN, cluster, order, publish
from tests.run.distributed.replaying import ENGINE, ready


def test_a_worker_with_another_version_makes_nothing(tmp_path: Path) -> None:
    with cluster(tmp_path, [ready("a")]) as (client, _):
        publish(client, tmp_path, order("other-version", version="0.0"))
        parcel = client.submit(tasks.prepare, "other-version", "c", "a", ENGINE, False).result()
        assert parcel.failure and "cannot work for lab 0.0" in parcel.failure.problem
        assert parcel.exchanges == []


def test_an_error_of_the_engine_is_a_value_with_its_fault(tmp_path: Path) -> None:
    with cluster(tmp_path, [ready("a")]) as (client, _):
        publish(client, tmp_path, order())
        parcel = client.submit(tasks.prepare, TOKEN, "c", "a", "26.1.5", False).result()
        assert parcel.failure and parcel.failure.fault is Fault.ENGINE
        assert "this worker has not started it" in parcel.failure.problem


def test_the_base_image_is_made_on_the_box(tmp_path: Path) -> None:
    with cluster(tmp_path, [ready("a")]) as (client, _):
        publish(client, tmp_path, order())
        parcel = client.submit(tasks.base, TOKEN, "base", "a", ENGINE).result()
        assert parcel.base and (parcel.base.reference, parcel.base.source) == ("alpine:3.11.6", "given")


def test_cells_report_when_they_begin_and_end(tmp_path: Path) -> None:
    with cluster(tmp_path, [ready("a")]) as (client, _):
        publish(client, tmp_path, order())
        client.submit(tasks.prepare, TOKEN, "c", "a", ENGINE, False).result()
        client.submit(tasks.clear, TOKEN).result()
        events = [event for _, event in client.get_events(tasks.TOPIC)]
        assert [(event["box"], event["cell"], event["state"]) for event in events] == [
            ("a", "c", "begun"),
            ("a", "c", "ended"),
        ]


@pytest.mark.parametrize("engine", ["20.10.24", "20.10.24+classic"])
def test_the_names_of_what_was_made_differ_by_engine(engine: str) -> None:
    assert tasks.made_by("a", engine) == f"made a:{engine}"
