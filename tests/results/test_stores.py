"""The image store as `docker info` shows it; the texts are those of real engines, but for Docker 29."""

from __future__ import annotations

import pytest

from lab.results.run import load
from lab.results.stores import CONTAINERD, GRAPH, engine_merges, merges_layers, read_store, store_of
from tests.reporting import RUNS

# Debian's 26.1.5 with {"features": {"containerd-snapshotter": true}}
SNAPSHOTTER = """\
Server:
 Images: 0
 Server Version: 26.1.5+dfsg1
 Storage Driver: overlayfs
  driver-type: io.containerd.snapshotter.v1
 Logging Driver: json-file
 Security Options:
  seccomp
   Profile: builtin
"""
OVERLAY2 = SNAPSHOTTER.replace("overlayfs\n  driver-type: io.containerd.snapshotter.v1", "overlay2\n  userxattr: false")
REMAPPED = OVERLAY2.replace("  seccomp\n", "  userns\n  seccomp\n")


@pytest.mark.parametrize(
    ("info", "server", "kind", "driver", "why"),
    [
        (SNAPSHOTTER, "26.1.5+dfsg1", CONTAINERD, "overlayfs", "features.containerd-snapshotter is on"),
        (SNAPSHOTTER, "29.1.0", CONTAINERD, "overlayfs", "the default since Docker 29"),
        (OVERLAY2, "20.10.24+dfsg1", GRAPH, "overlay2", "the only one before Docker 24"),
        (OVERLAY2, "28.5.2", GRAPH, "overlay2", "the default before Docker 29"),
        (OVERLAY2, "29.1.0", GRAPH, "overlay2", "a graph driver used its data folder before"),
        (REMAPPED, "29.1.0", GRAPH, "overlay2", "userns-remap is on"),
        (OVERLAY2, "master", GRAPH, "overlay2", "its version is not known"),
        (" Storage Driver: overlay2", "26.1.5", GRAPH, "overlay2", "the default before Docker 29"),  # a line alone
    ],
)
def test_store_and_reason(info: str, server: str, kind: str, driver: str, why: str) -> None:
    store = read_store(info, server)
    assert store and (store.kind, store.driver) == (kind, driver)
    assert store.why.startswith(why)
    assert store.title == ("the containerd image store" if kind == CONTAINERD else f"the graph driver {driver}")


def test_an_answer_without_a_driver_is_not_known() -> None:
    assert read_store("", "29.0.0") is None
    assert read_store("Server:\n ERROR: Cannot connect to the Docker daemon\n", "29.0.0") is None


def test_each_box_of_a_stored_run_has_its_store() -> None:
    run = load(RUNS / "explained")
    assert {(store.kind, store.driver) for box in run.boxes if (store := store_of(box))} == {(GRAPH, "overlay2")}


@pytest.mark.parametrize(
    ("name", "merges"),
    [
        ("18.09.9", False),
        ("20.10.24", False),
        ("20.10.24+dfsg1", False),
        ("20.10.24-unfixed", False),
        ("23.0.1", False),
        ("24.0.7", None),
        ("29.1.0", None),
        ("26.1.5+containerd", True),
        ("master", None),
    ],
)
def test_whether_an_engine_merges_layers_by_its_name_alone(name: str, merges: bool | None) -> None:
    """Docker 24 is the first with containerd's store, and only that can merge layers."""
    assert engine_merges(name) is merges


@pytest.mark.parametrize(
    ("info", "server", "builder", "merges"),
    [
        (SNAPSHOTTER, "29.1.0", "buildkit", True),
        (OVERLAY2, "29.1.0", "buildkit", False),
        ("", "29.1.0", "buildkit", None),
        ("", "20.10.24", "buildkit", False),
        ("", "0.25.2", "buildctl", True),
    ],
)
def test_whether_the_engine_of_a_box_merges_layers(info: str, server: str, builder: str, merges: bool | None) -> None:
    box = load(RUNS / "explained").boxes[0]
    facts = box.model_copy(update={"info": info, "server": server, "builder": builder})
    assert merges_layers(facts) is merges
