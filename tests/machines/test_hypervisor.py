"""What is removed from libvirt, and what is left alone; libvirt is a box that answers as virsh does."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Box, Command, OnOutput, Result
from lab.boxes.local import LocalBox
from lab.errors import HostError, LabError, UsageError
from lab.machines import hypervisor, leftovers
from lab.project import Project

CENTOS = "centos-VAGRANTSLASH-7_vagrant_box_image_2004.01_box.img"
IMAGES = "/var/lib/libvirt/images"


class Libvirt(Box):
    """One awake pool and one that sleeps; `disks` are volumes and what each stands on, `machines` their disks."""

    def __init__(self, disks: dict[str, str | None], machines: dict[str, str], about: str = "") -> None:
        self.name = "libvirt"
        self.disks = disks
        self.machines = machines
        self.about = about
        self.awake = ["default"]
        self.states: dict[str, str] = {}  # of machines

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        words = command.argv[command.argv.index("qemu:///system") + 1 :]
        return Result(command, 0, self._answer(*words).encode(), b"", datetime.now(UTC), 0.0)

    def _answer(self, verb: str, *words: str) -> str:
        if verb == "pool-list":
            return "\n".join(["default", "asleep"] if "--all" in words else self.awake)
        if verb == "pool-start":
            self.awake.append(words[0])
        elif verb == "vol-list":
            return "\n".join(f" {Path(path).name}   {path}" for path in self.disks if words[0] in path)
        elif verb == "vol-dumpxml":
            below = self.disks[words[0]]
            size = "<allocation unit='bytes'>1234567890</allocation>"
            return f"<volume>{size}{f'<backingStore><path>{below}</path></backingStore>' if below else ''}</volume>"
        elif verb == "list":
            return "\n".join(self.machines)
        elif verb == "dumpxml":
            disk = f"<devices><disk><source file='{self.machines[words[0]]}'/></disk></devices>"
            return f"<domain><description>{self.about}</description>{disk}</domain>"
        elif verb == "vol-delete":
            del self.disks[words[0]]
        elif verb == "domstate":
            return self.states[words[0]]
        elif verb == "resume":
            self.states[words[0]] = "running"
        return ""

    def put(self, source: Path, target: PurePosixPath) -> None:
        raise AssertionError("nothing is put on it")


@pytest.mark.parametrize(("state", "woken"), [("paused", True), ("shut off", False), ("running", False)])
def test_only_a_machine_that_is_paused_in_memory_is_resumed(state: str, woken: bool) -> None:
    libvirt = Libvirt({}, {})
    libvirt.states["lab-abc123-a"] = state
    assert hypervisor.wake(libvirt, "lab-abc123-a") is woken
    assert libvirt.states == {"lab-abc123-a": "running" if woken else state}


def test_images_on_which_no_disk_stands_go() -> None:
    stood_on, idle = (f"{IMAGES}/default/lab-VAGRANTSLASH-{name}_vagrant_box_image_0_box.img" for name in ("a", "b"))
    asleep = f"{IMAGES}/asleep/lab-VAGRANTSLASH-c_vagrant_box_image_0_box.img"
    others = f"{IMAGES}/default/{CENTOS}"
    disk = f"{IMAGES}/default/lab-abc123-a.img"
    libvirt = Libvirt({stood_on: None, idle: None, asleep: None, others: None, disk: stood_on}, {"lab-abc123-a": disk})
    found = hypervisor.base_images(libvirt)
    assert [(image.box, image.path) for image in found] == [("lab/b", idle), ("centos/7", others), ("lab/c", asleep)]
    assert found[1].title == "the base image of centos/7 (1235 MB)"
    hypervisor.remove_base_images(libvirt, found[:1])
    assert list(libvirt.disks) == [stood_on, asleep, others, disk]


def test_disks_that_no_machine_uses_go() -> None:
    names = ("lab-abc123-a", "lab-abc123-b", "windows", "lab-notes", "lab-abcdef0-theirs")
    used, left, *others = (f"{IMAGES}/default/{name}.img" for name in names)
    image = f"{IMAGES}/default/lab-VAGRANTSLASH-b_vagrant_box_image_0_box.img"
    libvirt = Libvirt(dict.fromkeys((used, left, *others, image)), {"lab-abc123-a": used})
    assert hypervisor.remove_volumes(libvirt, leftovers.DISKS) == [Path(left).name, Path(image).name]
    assert list(libvirt.disks) == [used, *others]


class Vanishing(Libvirt):
    """One whose listed domains and volumes of these names are gone when they are asked for, as virsh then reports."""

    gone: tuple[str, ...] = ()

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        *_, verb, name = command.argv
        if not name.endswith(self.gone) or verb not in ("dumpxml", "vol-dumpxml"):
            return super().execute(command, on_output)
        what = "Storage volume not found: no storage vol" if verb == "vol-dumpxml" else "Domain not found: no domain"
        return Result(command, 1, b"", f"error: {what} with matching name '{name}'\n".encode(), datetime.now(UTC), 0.0)


def test_what_another_checkout_removes_while_it_is_listed_is_no_failure(tmp_path: Path) -> None:
    names = ("lab-abc123-a", "lab-fff000-gone", "lab-fff000-refused")
    disks = {name: f"{IMAGES}/default/{name}.img" for name in names}
    idle = f"{IMAGES}/default/lab-VAGRANTSLASH-b_vagrant_box_image_0_box.img"
    libvirt = Vanishing({**dict.fromkeys(disks.values()), idle: None}, disks, f"made by lab in {tmp_path}")
    libvirt.gone = ("lab-fff000-gone", "lab-fff000-gone.img")
    assert [image.path for image in hypervisor.base_images(libvirt)] == [idle]
    hypervisor.remove_volumes(libvirt, re.compile("lab-abc123-"))
    assert leftovers.list_domains(libvirt) == dict.fromkeys((names[0], names[2]), str(tmp_path))
    assert list(libvirt.disks) == [*disks.values(), idle]


SAID = {  # by virsh 9.0 of what is not there
    "net-undefine": "failed to get network 'x'\nerror: Network not found: no network with matching name 'x'",
    "vol-delete": "failed to get vol 'x'\nerror: Storage volume not found: no storage vol with matching path 'x'",
    "undefine": "failed to get domain 'x'",
    "dumpxml": "failed to get domain 'x'",
}


class Removed(Libvirt):
    """One on which another checkout has just removed everything that was listed, or one that refuses each command."""

    why = ""

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        verb = next((word for word in command.argv if word in SAID), None)
        if "net-list" in command.argv:
            return Result(command, 0, f"{hypervisor.NETWORK}\n".encode(), b"", datetime.now(UTC), 0.0)
        if verb is None:
            return super().execute(command, on_output)
        said = "\nerror: ".join(filter(None, [SAID[verb].partition("\n")[0], self.why])) if self.why else SAID[verb]
        return Result(command, 1, b"", f"error: {said}\n".encode(), datetime.now(UTC), 0.0)


@pytest.mark.parametrize("why", ["", "access denied"])
def test_what_another_checkout_removed_first_is_removed(why: str) -> None:
    idle = f"{IMAGES}/default/lab-VAGRANTSLASH-b_vagrant_box_image_0_box.img"
    libvirt = Removed({idle: None}, {})
    libvirt.why = why
    removals: tuple[Callable[[], object], ...] = (
        partial(hypervisor.remove_network, libvirt),
        partial(hypervisor.remove_domain, libvirt, "x"),
        partial(hypervisor.remove_volumes, libvirt, leftovers.DISKS),
        partial(hypervisor.remove_base_images, libvirt, [hypervisor.BaseImage("b", idle, 1)]),
    )
    for remove in removals:
        with pytest.raises(HostError, match="cannot ask libvirt to ") if why else nullcontext():
            remove()


def test_a_libvirt_that_refuses_to_describe_a_volume_is_an_error() -> None:
    class Refusing(Libvirt):
        def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
            if "vol-dumpxml" not in command.argv:
                return super().execute(command, on_output)
            return Result(command, 1, b"", b"error: access denied\n", datetime.now(UTC), 0.0)

    with pytest.raises(HostError, match="cannot ask libvirt to vol-dumpxml"):
        hypervisor.base_images(Refusing({f"{IMAGES}/default/{CENTOS}": None}, {}))


def test_only_machines_whose_checkout_is_known_to_be_gone_are_orphans(tmp_path: Path) -> None:
    def orphans(folder: str) -> list[str]:
        machines = {"lab-abc123-a": f"{IMAGES}/default/lab-abc123-a.img", "windows": "/w.img"}
        return leftovers.orphans(Libvirt({}, machines, f"made by lab in {folder}"))

    assert orphans(str(tmp_path / "gone")) == ["lab-abc123-a"]
    assert orphans(str(tmp_path)) == []
    # a folder that cannot be looked at, as another user's: root may look everywhere, but not at a name like this
    assert orphans("/" + "x" * 300) == []


def cpu(folder: Path, flags: str, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A machine with this CPU, and with a /dev/kvm that any user may open; qemu notes that it was called."""
    (folder / "cpuinfo").write_text(f"processor\t: 0\nmodel name\t: Test\nflags\t\t: fpu {flags} sse\n")
    program = folder / "bin" / "qemu-system-x86_64"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {folder}/called\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    # patched: whether this machine has KVM is not for a test to decide
    monkeypatch.setattr(hypervisor, "CPUINFO", folder / "cpuinfo")
    monkeypatch.setattr(hypervisor, "KVM", Path("/dev/null"))
    return Project(folder, folder / "cache")


def test_a_cpu_without_the_extensions_needs_no_probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = cpu(tmp_path, "hypervisor svm_lock vmx_x", monkeypatch)  # neither of them is the extension
    found = hypervisor.accelerator(project, tmp_path / "kernel", lambda event: None)
    assert found.driver == "qemu"
    assert found.reason.startswith("the CPU has neither vmx nor svm ")
    assert not (tmp_path / "called").exists()
    assert not project.cache.exists()  # nothing is stored: the look costs nothing


@pytest.mark.parametrize("flag", ["vmx", "svm"])
def test_a_cpu_with_the_extensions_is_probed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: str) -> None:
    monkeypatch.setattr(hypervisor, "PROBE_SECONDS", 0.2)  # of twenty
    project = cpu(tmp_path, flag, monkeypatch)
    found = hypervisor.accelerator(project, tmp_path / "kernel", lambda event: None)
    assert found.driver == "qemu" and "no kernel boots with it" in found.reason
    stored = project.cache / "accelerator.json"
    assert json.loads(stored.read_text(encoding="utf-8"))["version"] == 1  # probed: the answer is stored
    (tmp_path / "called").unlink()
    assert hypervisor.accelerator(project, tmp_path / "kernel", lambda event: None) == found
    assert not (tmp_path / "called").exists()
    stored.write_text(stored.read_text(encoding="utf-8").replace('"version": 1', '"version": 2'), encoding="utf-8")
    hypervisor.accelerator(project, tmp_path / "kernel", lambda event: None)
    assert (tmp_path / "called").exists()  # another lab wrote it: what it means is not known
    assert list((project.state / "beside").iterdir()) == []


@pytest.mark.parametrize(
    ("asked", "offered", "here", "kind", "message"),
    [
        (
            "auto",
            ["libvirt"],
            ["VBoxManage"],
            HostError,
            "cannot find a provider for these boxes: they offer libvirt; this machine has virtualbox",
        ),
        (
            "auto",
            [],
            ["VBoxManage"],
            HostError,
            "cannot find a provider for these boxes: there is none that all of them offer; this machine has virtualbox",
        ),
        (
            "virtualbox",
            ["virtualbox", "libvirt"],
            ["virsh", "qemu-system-x86_64"],
            HostError,
            "cannot find a provider for these boxes: they offer virtualbox, libvirt; this machine has libvirt",
        ),
        (
            "virtualbox",
            ["libvirt"],
            ["virsh", "qemu-system-x86_64"],
            UsageError,
            "cannot use virtualbox for these boxes: libvirt is what all of them offer",
        ),
    ],
)
def test_a_provider_that_cannot_be_had_says_whose_fault_it_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    offered: list[str],
    here: list[str],
    kind: type[LabError],
    message: str,
) -> None:
    for name in here:
        (tmp_path / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(kind) as caught:
        hypervisor.choose_provider(asked, offered, LocalBox())
    assert caught.value.message == message
    assert caught.value.hint
