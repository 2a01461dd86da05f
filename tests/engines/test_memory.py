"""The data of an engine in memory: when it is refused, and that what was mounted is removed again."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from lab.boxes.base import Box, Command, OnOutput, Result
from lab.boxes.beside import mine
from lab.boxes.local import LocalBox
from lab.engines import host, memory
from lab.engines.holding import HomeNote, write_note
from lab.engines.home import Home
from lab.machines.catalog import Catalog
from tests.conftest import ROOT

root_on_linux = pytest.mark.skipif(
    platform.system() != "Linux" or os.geteuid() != 0, reason="only root on Linux may mount a file system"
)


class Says(Box):
    """A box whose every command prints this text."""

    name = "here"

    def __init__(self, text: str, status: int = 0) -> None:
        self.text = text
        self.status = status

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        return Result(command, self.status, self.text.encode(), b"", datetime.now(UTC), 0.0)

    def put(self, source: object, target: object) -> None:
        raise NotImplementedError


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    # the machine of the test may have less memory, and its container a limit
    monkeypatch.setattr(memory, "CGROUP", Path("/no-such-folder"))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=8 << 30))


@pytest.mark.usefixtures("free")
def test_memory_is_refused_where_it_stores_less_than_the_disk(tmp_path: Path) -> None:
    both = "user.* attributes,POSIX ACLs,hard links"
    assert memory.refusal(Says(f"{both}\n{both},devices"), tmp_path, 4) is None
    less = memory.refusal(Says(f"{both}\nhard links"), tmp_path, 4)
    assert less == "a file system in memory does not store user.* attributes, POSIX ACLs here, and the disk does"


@pytest.mark.usefixtures("free")
def test_memory_is_refused_where_nothing_can_be_mounted(tmp_path: Path) -> None:
    refused = memory.refusal(Says("mount: permission denied\n", 32), tmp_path, 1)
    assert refused == "a file system in memory cannot be made: mount: permission denied"


@pytest.mark.usefixtures("free")
def test_memory_is_refused_where_there_is_no_room(tmp_path: Path) -> None:
    engines = (8192 - memory.SPARE) // memory.MIB
    assert memory.refusal(Says("a\na"), tmp_path, engines) is None
    needed = (engines + 1) * memory.MIB + memory.SPARE
    assert (
        memory.refusal(Says("a\na"), tmp_path, engines + 1) == f"{needed} MiB would have to be free, and 8192 MiB are"
    )


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize(("limit", "fits"), [("max\n", True), (f"{3 << 30}\n", True), (f"{(2 << 30) + 4096}\n", False)])
def test_the_limit_of_a_container_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, fits: bool
) -> None:
    # the machine of the test has other limits
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text(limit)
    (tmp_path / "memory.current").write_text("4096\n")
    assert (memory.refusal(Says("a\na"), tmp_path, 1) is None) == fits


@root_on_linux
def test_the_probe_compares_the_disk_with_memory_and_leaves_nothing(tmp_path: Path) -> None:
    here = LocalBox("here")
    words = ["sh", "-c", memory.BOTH, "sh", str(tmp_path), "python3", memory.PROBE]
    probed = here.check(["unshare", "--mount", "--propagation", "private", *words], doing="probe")
    disk, in_memory = (line.split(",") for line in probed.text.split("\n"))
    assert {"trusted.* attributes", "security.* attributes", "hard links", "devices"} <= set(in_memory)
    assert "times in nanoseconds" in disk
    assert list(tmp_path.iterdir()) == []
    assert not tmp_path.is_mount()


@root_on_linux
def test_an_engine_of_a_killed_lab_is_removed_from_memory_too(tmp_path: Path) -> None:
    here = LocalBox("here")
    write_note("26.1.5~1", tmp_path, HomeNote(owner=mine(), user=mine()))
    home = Home(tmp_path, "26.1.5~1")
    memory.mount(here, home.data, 8)
    (home.data / "layer").write_bytes(b"x" * 4096)
    assert home.data.is_mount()
    assert os.statvfs(home.data).f_blocks * os.statvfs(home.data).f_frsize == 8 << 20
    host.stop(here, "26.1.5~1", tmp_path)
    assert not home.folder.exists()
    assert host.leftovers(tmp_path) == []


def test_only_an_instance_that_asks_for_memory_has_some() -> None:
    pin = Catalog(ROOT / "boxes").engine("26.1.5")
    assert (pin.memory, pin.instance(1).memory, pin.instance(2, 256).memory) == (0, 0, 256)
