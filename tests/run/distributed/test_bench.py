"""What a worker owns: engines by their names in a run, one part for each run, and one way to a registry at a time."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lab.errors import BoxError, EngineError, RegistryError
from lab.registry.server import Registry
from lab.run.distributed import bench as module
from lab.run.distributed.bench import Bench
from lab.run.distributed.parcels import Order
from lab.run.scenarios import load_scenario
from tests.run.distributed.clusters import cluster, order
from tests.run.distributed.replaying import ENGINE, ready
from tests.run.distributed.workplace import project, quiet


def made(folder: Path) -> Bench:
    return Bench([ready("a"), ready("b")], project(folder), quiet())


def test_an_engine_has_the_builder_and_the_cache_of_its_name(tmp_path: Path) -> None:
    post = made(tmp_path).post(order(), "a")
    engine = post.engine(f"{ENGINE}+classic")
    assert (engine.name, engine.builder, engine.cache) == (f"{ENGINE}+classic", "classic", "inline")
    with pytest.raises(EngineError, match=r"cannot use the engine 26\.1\.5 on a"):
        post.engine("26.1.5")


def test_an_engine_that_another_run_has_used_is_not_taken_for_empty(tmp_path: Path) -> None:
    bench = made(tmp_path)
    post = bench.post(order("one"), "a")
    crew = post.crew(load_scenario(project(tmp_path).scenarios / "copy-bust", "alpine"))
    crew.emptied.add(("a", post.engine(ENGINE).docker))
    assert bench.post(order("one"), "a") is post and crew.emptied
    bench.post(order("two"), "b")
    assert bench.post(order("one"), "a") is post and crew.emptied  # another box
    bench.post(order("two"), "a")
    assert bench.post(order("one"), "a") is post and not crew.emptied


def test_files_are_removed_after_the_cell_that_a_box_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENDED", 0.01)
    told: list[str] = []
    bench = Bench([ready("a")], project(tmp_path), lambda event: told.append(event.what))
    post = bench.post(order(), "a")
    with post.busy:
        assert bench.clear("run-1") == []
    assert told == ["cannot remove the files of run-1: a still makes a cell"]
    assert [parcel.exchanges for parcel in bench.clear("run-1")] == [[]]  # the box has no files of the run yet
    assert bench.clear("run-1") == []


def reachable(port: int) -> Order:
    return order(store=Registry(f"localhost:{port}", "registry", port), door="tcp://127.0.0.1:9")


def test_a_port_that_something_else_has_is_an_error_of_the_registry(tmp_path: Path) -> None:
    with cluster(tmp_path, [ready("a")]) as (_, bench), socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(RegistryError, match="cannot offer the registry of the run on port"):
            bench.post(reachable(other.getsockname()[1]), "a")


def test_a_registry_that_cannot_be_reached_names_the_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with cluster(tmp_path, [ready("a")]) as (_, bench):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with pytest.raises(RegistryError) as caught:
            bench.post(reachable(port), "a")
        assert "--registry-address" in (caught.value.hint or "")


def test_boxes_are_closed_although_one_fails(tmp_path: Path) -> None:
    bench = made(tmp_path)
    closed: list[str] = []

    def fail() -> None:
        raise BoxError("gone")

    bench.items["a"].box.close = fail  # type: ignore[method-assign]
    bench.items["b"].box.close = lambda: closed.append("b")  # type: ignore[method-assign]
    bench.close()
    assert closed == ["b"]


def test_the_end_of_one_run_leaves_the_others(tmp_path: Path) -> None:
    bench = made(tmp_path)
    one, two = bench.post(order("one"), "a"), bench.post(order("two"), "b")
    bench.clear("one")
    assert bench.post(order("two"), "b") is two
    assert bench.post(order("one"), "a") is not one
    bench.clear()
    assert bench.post(order("two"), "b") is not two
