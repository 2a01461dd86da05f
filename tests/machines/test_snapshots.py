"""What libvirt is asked for a snapshot, and the errors for names and boxes that have none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from lab.boxes.base import Box, Command, OnOutput, Result
from lab.errors import BoxError, HostError, UsageError
from lab.machines import hypervisor
from lab.machines.snapshots import PRISTINE, LibvirtSnapshots, MachineSnapshots, check_name, missing

if TYPE_CHECKING:
    from lab.boxes.vagrant import VagrantBox


class Libvirt(Box):
    """This machine, on which virsh answers by its first words; every call is written down."""

    def __init__(self, **answers: tuple[int, str]) -> None:
        self.name = "this machine"
        self.answers = answers
        self.calls: list[list[str]] = []

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        words = list(command.argv[4:])  # after virsh -q -c URI
        self.calls.append(words)
        status, text = self.answers.get(words[0].replace("-", "_"), (0, ""))
        return Result(command, status, text.encode(), b"", datetime.now(UTC), 0.0)

    def put(self, source: Path, target: object) -> None:
        raise AssertionError

    @property
    def verbs(self) -> list[str]:
        return [words[0] for words in self.calls]


class Machine:
    """A machine of Vagrant: what it is asked is written down."""

    name = "box"

    def __init__(self, *, answers: bool = True, listed: str = "") -> None:
        self.answers = answers
        self.listed = listed
        self.heard: list[str] = []

    @contextmanager
    def disconnected(self) -> Iterator[None]:
        self.heard.append("disconnect")
        yield
        self.heard.append("connect")

    def snapshot(self, *words: str) -> str:
        self.heard.append(" ".join(words))
        return self.listed

    def set_clock(self) -> None:
        self.heard.append("clock")

    def wait_after_restore(self) -> None:
        if not self.answers:
            raise BoxError("cannot reach box: no route")
        self.heard.append("wait")


def of(machine: Machine) -> VagrantBox:
    return cast("VagrantBox", machine)


def test_a_running_machine_loads_the_snapshot_itself() -> None:
    libvirt = Libvirt(domstate=(0, "running\n"))
    hypervisor.revert(libvirt, "lab-1-box", PRISTINE)
    assert libvirt.calls[-1] == ["qemu-monitor-command", "lab-1-box", "--hmp", "loadvm lab-pristine"]


@pytest.mark.parametrize(
    "answers",
    [
        {"domstate": (0, "shut off\n")},
        {"domstate": (0, "paused\n")},
        # QEMU 7.2 prints its errors and ends with 0
        {"domstate": (0, "running\n"), "qemu_monitor_command": (0, "Error: Snapshot 'x' does not exist\n")},
        {"domstate": (0, "running\n"), "qemu_monitor_command": (1, "")},
    ],
)
def test_any_other_machine_is_reverted_by_libvirt_without_a_saved_image(answers: dict[str, tuple[int, str]]) -> None:
    libvirt = Libvirt(**answers)
    hypervisor.revert(libvirt, "lab-1-box", PRISTINE)
    assert libvirt.verbs[-2:] == ["managedsave-remove", "snapshot-revert"]


def test_a_snapshot_that_libvirt_does_not_know_is_not_loaded() -> None:
    libvirt = Libvirt(snapshot_info=(1, ""), domstate=(0, "running\n"))
    with pytest.raises(HostError, match="cannot ask libvirt to snapshot-info"):
        hypervisor.revert(libvirt, "lab-1-box", "other")
    assert libvirt.verbs == ["snapshot-info"]


def test_nothing_is_connected_while_a_snapshot_is_saved_or_restored() -> None:
    machine = Machine()
    shots = MachineSnapshots(of(machine))
    shots.save("a")
    assert machine.heard == ["disconnect", "save a", "connect", "clock"]
    machine.heard.clear()
    shots.restore("a")
    assert machine.heard == ["disconnect", "restore a --no-provision", "wait", "connect"]
    shots.remove("a")
    assert machine.heard[-1] == "delete a"


def test_vagrants_list_is_read_by_its_names() -> None:
    listed = "==> box: \na\nlab-pristine\n"
    assert MachineSnapshots(of(Machine(listed=listed))).names() == ["a", PRISTINE]
    none = (
        "==> box: No snapshots have been taken yet!\n    box: You can take a snapshot using `vagrant snapshot save`.\n"
    )
    assert MachineSnapshots(of(Machine(listed=none))).names() == []


def test_a_machine_that_does_not_answer_afterwards_must_be_made_anew() -> None:
    with pytest.raises(BoxError, match="no route") as caught:
        MachineSnapshots(of(Machine(answers=False))).restore(PRISTINE)
    assert caught.value.hint == "`python -m lab down box`, then `python -m lab up box`, makes a new box"


def test_only_a_running_machine_of_libvirt_is_saved() -> None:
    libvirt = Libvirt(domstate=(0, "running\n"))
    LibvirtSnapshots(of(Machine()), libvirt, "lab-1-box").save("a")
    assert libvirt.calls[-1] == ["snapshot-create-as", "lab-1-box", "a"]
    off = Libvirt(domstate=(0, "shut off\n"))
    with pytest.raises(BoxError, match="cannot save a snapshot of box: it is shut off"):
        LibvirtSnapshots(of(Machine()), off, "lab-1-box").save("a")
    assert "snapshot-create-as" not in off.verbs


@pytest.mark.parametrize("name", ["", "a b", "../a", "-a", "a;b", "a" * 65])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot use the name"):
        check_name(name)


def test_a_missing_snapshot_says_what_there_is_or_what_to_do() -> None:
    assert missing("box", "a", ["b", "c"]).hint == "its snapshots: b, c"
    first = missing("box", PRISTINE, [])
    assert "it has no snapshot of its first state" in first.message and first.hint and "lab up box" in first.hint
