"""Engines that differ in one thing, and the reasons why there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.boxes.kinds.local import LocalSpec
from lab.boxes.local import LocalBox
from lab.engines.engine import Engine
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.machines.ready import Ready
from lab.project import find
from lab.run.vary.axis import NotHereError
from lab.run.vary.engines import PlainDaemon, engines

ONE = Engine("20.10.24", ("/old/docker", "-H", "unix:///a"), "20.10.24", "20.10.24", "")
OTHER = Engine("28.5.2", ("/new/docker", "-H", "unix:///b"), "28.5.2+x", "28.5.2", "", buildx="0.29")


def ready(*others: Engine) -> Ready:
    return Ready(
        LocalBox("local"), LocalSpec(name="local", summary="", kind="local", engines=("installed",)), (ONE, *others)
    )


def made(box: Ready, name: str, driver: str = "overlay2") -> Engine:
    project = find()
    fleet = Fleet(project, Catalog(project.boxes), lambda event: None)
    return engines(box, ONE, lambda: driver, fleet)[name]()


def test_the_classic_builder_is_the_same_engine() -> None:
    assert made(ready(), "builder") == replace(ONE, name="20.10.24+classic", builder="classic")


def test_another_client_calls_the_same_daemon() -> None:
    found = made(ready(OTHER), "client")
    assert found.docker == ("/new/docker", "-H", "unix:///a")
    assert (found.name, found.client, found.server, found.buildx) == (
        "20.10.24+client-28.5.2",
        "28.5.2+x",
        "20.10.24",
        "0.29",
    )


def test_another_engine_is_the_other_one_of_the_box() -> None:
    assert made(ready(OTHER), "engine") is OTHER


@pytest.mark.parametrize(
    ("box", "name", "reason"),
    [
        (ready(), "engine", "without a download"),
        (ready(), "client", "without a download"),
        (ready(replace(OTHER, client=ONE.client)), "client", "has the same version"),
        (ready(replace(OTHER, docker=("sudo", "docker"))), "client", "not called with the address"),
    ],
)
def test_why_there_is_none(box: Ready, name: str, reason: str) -> None:
    with pytest.raises(NotHereError, match=reason):
        made(box, name)


def test_a_driver_that_is_there_already_is_no_other() -> None:
    with pytest.raises(NotHereError, match="vfs already"):
        made(ready(), "storage", "vfs")


def test_the_other_driver_is_an_option_of_dockerd() -> None:
    options = PlainDaemon.private_options("lab-x", [20, 10, 24])
    assert options[-1] == "--storage-driver=vfs" and "--cgroup-parent=/lab-x" in options


def test_lab_starts_no_other_driver_on_another_box() -> None:
    box = ready()
    project = find()
    fleet = Fleet(project, Catalog(project.boxes), lambda event: None)
    other = replace(box, spec=box.spec.model_copy(update={"kind": "ssh"}))
    assert "storage" not in engines(other, ONE, lambda: "overlay2", fleet)
