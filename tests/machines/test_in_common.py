"""What all checkouts use of libvirt goes with the last machine, and never while another lab makes one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from lab.boxes.base import Box
from lab.boxes.machine_lock import machines_begin, no_machine_begins
from lab.machines import daemons, hypervisor, in_common
from lab.machines.in_common import clear_pool, stop_libvirt
from lab.model import Progress
from tests.machines.test_hypervisor import IMAGES, Libvirt

IDLE = f"{IMAGES}/default/lab-VAGRANTSLASH-b_vagrant_box_image_0_box.img"


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "lock"
    # patched: the lock is the machine's, and other labs may hold it now
    monkeypatch.setattr(in_common, "no_machine_begins", partial(no_machine_begins, path))
    return path


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was removed; the daemons of this machine are left alone."""
    found: list[str] = []

    def stop(shell: Box, state: Path, *, needed: bool) -> None:
        found.extend([] if needed else ["daemons"])

    monkeypatch.setattr(daemons, "stop_daemons", stop)
    monkeypatch.setattr(hypervisor, "remove_network", lambda shell: found.append("network"))
    return found


@pytest.mark.parametrize("machines", [{}, {"theirs": "a.img"}])
def test_the_daemons_go_with_the_last_machine(
    tmp_path: Path, lock: Path, removed: list[str], machines: dict[str, str]
) -> None:
    stop_libvirt(Libvirt({}, machines), tmp_path, lambda event: None)
    assert removed == (["network"] if machines else ["network", "daemons"])


def test_nothing_goes_while_another_lab_makes_a_machine(tmp_path: Path, lock: Path, removed: list[str]) -> None:
    heard: list[Progress] = []
    libvirt = Libvirt({IDLE: None}, {})
    with machines_begin(lock):
        stop_libvirt(libvirt, tmp_path, heard.append)
        assert clear_pool(libvirt, [], heard.append, all_images=True) == ([], [])
    assert removed == [] and list(libvirt.disks) == [IDLE]
    assert [event.what for event in heard] == [
        "its network and daemons stay: another lab brings boxes up",
        "base images stay: another lab brings boxes up",
    ]
    clear_pool(libvirt, [], heard.append, all_images=False)
    assert list(libvirt.disks) == []
