"""The faults of a virtual machine ask libvirt and the machine for the right thing; no machine runs here."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lab.boxes.address import Address
from lab.boxes.notes import Machine, Note, Notes
from lab.machines import daemons, hypervisor
from tests.faults import guests
from tests.faults.fault import Kind, NotMade
from tests.faults.kinds import machines
from tests.faults.kinds.guests import YEAR, ClockJump, GuestFull, GuestSshd
from tests.faults.kinds.machines import Frozen, Killed, LibvirtRestarted, LinkDown, OfGuest, Slowed
from tests.faults.kinds.table import FAULTS

DOMAIN = "lab-abcdef-box"


class Place:
    """A workplace of which only the calls of the program and the state are used."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.project = SimpleNamespace(prefix="lab-abcdef-")
        self.calls: list[tuple[str, ...]] = []

    def call(self, *words: str) -> tuple[int, str]:
        self.calls.append(words)
        return 0, ""


class Scene:
    """A scene whose program ends after so many looks, and whose timers go off at once."""

    def __init__(self, place: Place, looks: int = 0) -> None:
        self.place, self.box, self.rng, self.looks = place, "box", random.Random(1), looks
        self.waited: list[float] = []

    def running(self) -> bool:
        self.looks -= 1
        return self.looks >= 0

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        self.waited.append(seconds)
        action()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What virsh and the machine are asked."""
    found: list[tuple[str, ...]] = []

    def virsh(*words: str, check: bool = True) -> str:
        found.append(words)
        return "vnet3  network  vagrant-libvirt  virtio  52:54:00:00:00:01\n" if words[0] == "domiflist" else ""

    def inside(place: Any, box: str, script: str, *, check: bool = True) -> str:
        found.append((box, script))
        return ""

    monkeypatch.setattr(guests, "virsh", virsh)
    monkeypatch.setattr(guests, "inside", inside)
    return found


def strike(kind: Kind, scene: Scene) -> None:
    kind.strike(scene)  # type: ignore[arg-type]


def test_a_machine_is_killed_frozen_and_cut_off_by_its_own_name(place: Place, asked: list[tuple[str, ...]]) -> None:
    strike(Killed(), Scene(place))
    strike(Frozen(), Scene(place))
    strike(LinkDown(), Scene(place))
    assert [words for words in asked if words[0] != "domiflist"] == [
        ("destroy", DOMAIN),
        ("suspend", DOMAIN),
        ("domif-setlink", DOMAIN, "vnet3", "down"),
    ]


def test_a_fault_of_some_seconds_is_taken_back_after_them(place: Place, asked: list[tuple[str, ...]]) -> None:
    scene = Scene(place)
    strike(Frozen(seconds=5), scene)
    strike(LinkDown(seconds=7), scene)
    assert scene.waited == [5, 7]
    assert [words[0] for words in asked if words[0] != "domiflist"] == [
        "suspend",
        "resume",
        "domif-setlink",
        "domif-setlink",
    ]
    assert asked[-1] == ("domif-setlink", DOMAIN, "vnet3", "up")


def test_a_slowed_machine_goes_on_at_the_end(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[signal.Signals] = []
    monkeypatch.setattr(guests, "emulators", lambda name: [SimpleNamespace(send_signal=sent.append)])
    monkeypatch.setattr(machines, "STOPPED_SECONDS", 0)
    monkeypatch.setattr(machines, "RUNNING_SECONDS", 0)
    strike(Slowed(seconds=1000), Scene(place, looks=2))
    assert sent == [signal.SIGSTOP, signal.SIGCONT] * 2 + [signal.SIGCONT]


def test_the_clock_jumps_both_ways_and_is_set_right(
    place: Place, asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.faults.kinds.guests.now", lambda: "1000")
    strike(ClockJump(), Scene(place))
    strike(ClockJump(seconds=-YEAR), Scene(place))
    ClockJump().heal(Scene(place))  # type: ignore[arg-type]
    assert [script for _, script in asked] == [
        """sh -c 'date -u -s "@$(( $(date +%s) + 31536000 ))"'""",
        """sh -c 'date -u -s "@$(( $(date +%s) + -31536000 ))"'""",
        "sh -c 'date -u -s @1000'",
    ]


def test_what_happens_inside_is_asked_of_the_box_that_is_hit(place: Place, asked: list[tuple[str, ...]]) -> None:
    strike(GuestSshd(), Scene(place))
    strike(GuestFull(), Scene(place))
    assert [box for box, _ in asked] == ["box", "box"]


def test_the_machine_is_up_before_a_fault_of_a_run_and_absent_before_one_of_up() -> None:
    for fault in FAULTS:
        if not isinstance(fault.kind, OfGuest):
            continue
        booting = fault.words[0] == "bake" or (fault.words[0] == "up" and not isinstance(fault.kind, LibvirtRestarted))
        assert fault.kind.first == (machines.DOWN if booting else machines.UP), fault.name


@pytest.mark.parametrize(
    ("started", "domains", "reason"),
    [({}, [DOMAIN], "were not started by the suite"), ({"libvirtd": 1}, [DOMAIN, "web"], "1 other machine")],
)
def test_libvirt_of_other_people_is_not_restarted(
    place: Place, monkeypatch: pytest.MonkeyPatch, started: dict[str, int], domains: list[str], reason: str
) -> None:
    def never(*words: Any, **more: Any) -> None:
        raise AssertionError("the daemons were stopped")

    monkeypatch.setattr(daemons, "started_daemons", lambda state: started)
    monkeypatch.setattr(hypervisor, "domains", lambda shell: domains)
    monkeypatch.setattr(daemons, "stop_daemons", never)
    with pytest.raises(NotMade, match=reason):
        strike(LibvirtRestarted(), Scene(place))


def test_libvirt_of_the_suite_is_restarted(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(daemons, "started_daemons", lambda state: {"libvirtd": 1})
    monkeypatch.setattr(hypervisor, "domains", lambda shell: [DOMAIN])
    monkeypatch.setattr(daemons, "stop_daemons", lambda shell, state, needed: done.append("stop"))
    monkeypatch.setattr(daemons, "start_daemons", lambda shell, state, tell: done.append("start"))
    strike(LibvirtRestarted(), Scene(place))
    assert done == ["stop", "start"]


def test_an_emulator_is_known_by_the_name_of_its_machine() -> None:
    words = ["/usr/bin/qemu-system-x86_64", "-name", f"guest={DOMAIN},debug-threads=on"]
    assert guests.is_guest(words, DOMAIN)
    assert guests.is_guest(words, "lab-abcdef-*")
    assert not guests.is_guest(words, "lab-abcdef-bo")
    assert not guests.is_guest(words, "lab-000000-*")
    assert not guests.is_guest(["sleep", DOMAIN], DOMAIN)


def test_root_runs_a_script_on_the_machine_with_the_key_of_its_note(place: Place) -> None:
    address = Address(host="192.0.2.7", port=2222, user="vagrant", key="/k")
    machine = Machine(provider="libvirt", prefix="lab-abcdef-")
    Notes(place.state).write(Note(box="box", lineup="vm", vagrant=machine, address=address))
    words = guests.ssh(place, "box", "true")  # type: ignore[arg-type]
    assert words[:3] == ["ssh", "-i", "/k"]
    assert words[-4:] == ["-p", "2222", "vagrant@192.0.2.7", "sudo -n true"]
