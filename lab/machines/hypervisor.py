"""What runs the machines: libvirt's domains, volumes and network, and the accelerator that really works."""

from __future__ import annotations

import json
import os
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab import files
from lab.boxes.base import Box, Tell
from lab.boxes.beside import beside
from lab.errors import HostError, UsageError
from lab.machines.daemons import URI
from lab.model import Progress
from lab.project import Project
from lab.workers import wait_for

OF_BOX = "_vagrant_box_image_"  # vagrant-libvirt names a volume BOX_vagrant_box_image_VERSION_box.img
# virsh says "Network not found: no network with ..", "Storage volume not found: ..", and of a domain one line alone.
GONE = re.compile(r"not found: no |^error: failed to get domain '.*'$(?!\nerror: )", re.MULTILINE)
NETWORK = "vagrant-libvirt"  # the management network that vagrant-libvirt makes when it is missing
PROBE_SECONDS = 20
STORED = 1  # version of accelerator.json
KVM = Path("/dev/kvm")
CPUINFO = Path("/proc/cpuinfo")
EXTENSIONS = {"vmx", "svm"}


@dataclass(frozen=True, slots=True)
class Accelerator:
    """`kvm` or `qemu` (emulation), and the reason in words."""

    driver: str
    reason: str


def virsh(shell: Box, *words: str) -> list[str]:
    """Ask libvirt; the lines of its answer, without blank ones. Raises HostError if it does not answer."""
    result = shell.run(["virsh", "-q", "-c", URI, *words], timeout=60)
    if not result.ok:
        raise HostError(
            f"cannot ask libvirt to {words[0]}: exit status {result.exit}",
            hint="python -m lab setup",
            output=result.output,
        )
    return [line.strip() for line in result.text.splitlines() if line.strip()]


def description(shell: Box, verb: str, name: str) -> str | None:
    """The XML of a domain or a volume; None if it is gone, since another checkout removed it after it was listed."""
    try:
        return "\n".join(virsh(shell, verb, name))
    except HostError as error:
        if GONE.search(error.output):
            return None
        raise


def _remove(shell: Box, *words: str) -> None:
    """Ask libvirt to remove something; another checkout may have removed it since it was listed."""
    try:
        virsh(shell, *words)
    except HostError as error:
        if not GONE.search(error.output):
            raise


def usable() -> bool:
    """True if libvirt and QEMU are installed."""
    return all(shutil.which(name) for name in ("virsh", "qemu-system-x86_64"))


def accelerator(project: Project, kernel: Path | None, tell: Tell) -> Accelerator:
    """KVM if a real kernel boots with it, else emulation; the answer is stored for this host kernel and CPU.

    A present /dev/kvm proves nothing: under some hypervisors it opens, runs the BIOS and then hangs. A CPU without the
    extensions needs no probe.
    """
    if not KVM.exists():
        return Accelerator("qemu", "there is no /dev/kvm")
    if not EXTENSIONS & _flags():
        return Accelerator("qemu", f"the CPU has neither vmx nor svm ({CPUINFO}), so KVM cannot work")
    if not os.access(KVM, os.R_OK | os.W_OK):  # not stored: it changes with the user and at the next login
        return Accelerator("qemu", "you may not open /dev/kvm; join the group kvm")
    key = f"{Path('/proc/version').read_text().strip()}|{_cpu()}"
    stored = project.cache / "accelerator.json"
    try:
        known = json.loads(stored.read_text(encoding="utf-8"))
        if (known["version"], known["host"]) == (STORED, key):
            return Accelerator(known["driver"], known["reason"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass  # no answer yet, or one of another version of lab, or one that cannot be read: probe
    kernel = kernel or _host_kernel()
    if kernel is None:
        return Accelerator("qemu", "/dev/kvm could not be tested: there is no kernel to boot")
    tell(Progress("kvm", f"booting a kernel to see whether /dev/kvm works (at most {PROBE_SECONDS} s)"))
    found = _probe(kernel, project.state)
    files.write(stored, json.dumps({"version": STORED, "host": key, "driver": found.driver, "reason": found.reason}))
    tell(Progress("kvm", found.reason, done=True))
    return found


def _probe(kernel: Path, state: Path) -> Accelerator:
    """Boot the kernel under KVM and wait for its first line on the serial port."""
    with beside(state, "kvm") as place:
        serial = place.folder / "serial.log"
        child = place.start(
            [
                *("qemu-system-x86_64", "-accel", "kvm", "-m", "256", "-display", "none", "-no-reboot", "-nodefaults"),
                *("-serial", f"file:{serial}", "-kernel", str(kernel), "-append", "console=ttyS0 panic=-1"),
            ],
        )

        def look() -> str | bool:
            if serial.exists() and "Linux version" in serial.read_text(errors="replace"):
                return True
            return "no line from the kernel" if child.alive() else f"qemu ended: {child.output()[-200:].strip()}"

        try:
            wait_for("a kernel under KVM", look, timeout=PROBE_SECONDS, error=HostError)
        except HostError as error:
            return Accelerator("qemu", f"/dev/kvm exists, but no kernel boots with it ({error.message})")
    return Accelerator("kvm", "a kernel booted with KVM")


def _flags() -> set[str]:
    """What the CPU can do, as the kernel names it; Intel's extension for virtual machines is vmx, AMD's is svm."""
    lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    return {word for line in lines if line.startswith("flags") for word in line.partition(":")[2].split()}


def _cpu() -> str:
    lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _host_kernel() -> Path | None:
    """This machine's own kernel, if this user may read it."""
    for path in sorted(Path("/boot").glob("vmlinuz*"), reverse=True):
        try:
            with path.open("rb"):
                return path
        except OSError:
            continue
    return None


def choose_provider(asked: str, offered: list[str], shell: Box) -> str:
    """`libvirt` or `virtualbox`: the one asked for, else the first that the boxes offer and this machine has.

    Raises UsageError for one that is asked for and not offered, HostError for what is missing on this machine.
    """
    have = {
        "libvirt": usable(),
        "virtualbox": shutil.which("VBoxManage") is not None,
    }
    wanted = offered if asked == "auto" else [asked]
    for name in wanted:
        if name in offered and have.get(name):
            return name
    here = ", ".join(name for name, there in have.items() if there) or "none"
    if asked == "auto" or (asked in offered and not have.get(asked)):
        offer = f"they offer {', '.join(offered)}" if offered else "there is none that all of them offer"
        hint = "python -m lab setup" if offered else "name fewer boxes: python -m lab up BOX"
        raise HostError(f"cannot find a provider for these boxes: {offer}; this machine has {here}", hint=hint)
    raise UsageError(
        f"cannot use {asked} for these boxes: {', '.join(offered) or 'none'} is what all of them offer",
        hint="leave --provider out, or name fewer boxes",
    )


def domains(shell: Box, prefix: str = "") -> list[str]:
    """Names of all libvirt domains that begin with `prefix`, running or not."""
    return [name for name in virsh(shell, "list", "--all", "--name") if name.startswith(prefix)]


def remove_domain(shell: Box, name: str) -> None:
    """Destroy a domain with its saved image, snapshots and own volumes, whatever state it is in."""
    volumes = [source for source in _disks(shell, name) if Path(source).name.startswith(name)]
    shell.run(["virsh", "-q", "-c", URI, "destroy", name], timeout=60)  # fails if it does not run: fine
    _remove(shell, "undefine", name, "--managed-save", "--snapshots-metadata", "--nvram")
    for volume in volumes:
        shell.run(["virsh", "-q", "-c", URI, "vol-delete", volume], timeout=60)  # undefine may have taken it


def revert(shell: Box, domain: str, snapshot: str) -> None:
    """Set a domain back to a snapshot with memory, whatever state it is in; HostError if libvirt refuses.

    A running emulator loads the snapshot itself in less than a second. libvirt would end it and start another one, and
    the bridge forwards nothing to a new network interface for four seconds.
    """
    virsh(shell, "snapshot-info", domain, snapshot)  # a name that libvirt knows may be given to the emulator
    if virsh(shell, "domstate", domain)[:1] == ["running"]:
        loading = ["virsh", "-q", "-c", URI, "qemu-monitor-command", domain, "--hmp", f"loadvm {snapshot}"]
        loaded = shell.run(loading, timeout=60)
        if loaded.ok and not loaded.text.strip():  # the emulator prints nothing but errors
            return
    # a saved image would be resumed at the next start in place of the snapshot
    shell.run(["virsh", "-q", "-c", URI, "managedsave-remove", domain], timeout=60)
    virsh(shell, "snapshot-revert", domain, snapshot, "--force")


def wake(shell: Box, domain: str) -> bool:
    """Resume a domain that is paused in memory; False for one in another state, or that libvirt does not resume."""
    state = shell.run(["virsh", "-q", "-c", URI, "domstate", domain], timeout=60)
    if not state.ok or state.text.strip() != "paused":
        return False
    return shell.run(["virsh", "-q", "-c", URI, "resume", domain], timeout=60).ok


def _disks(shell: Box, name: str) -> list[str]:
    text = description(shell, "dumpxml", name)
    tree = ET.fromstring(text) if text else ET.Element("domain")
    return [file for source in tree.iter("source") if (file := source.get("file")) and source.get("mode") is None]


@dataclass(frozen=True, slots=True)
class BaseImage:
    """A box's image that vagrant-libvirt copied to a storage pool: the box, the volume's path, its bytes on disk."""

    box: str
    path: str
    size: int

    @property
    def title(self) -> str:
        """The image with its size."""
        return f"the base image of {self.box} ({self.size / 1e6:.0f} MB)"


def base_images(shell: Box) -> list[BaseImage]:
    """The images of boxes, lab's and others', in every pool, except those on which a disk is based."""
    found: list[BaseImage] = []
    for pool in _pools(shell):
        texts = {path: description(shell, "vol-dumpxml", path) for path in _volumes(shell, pool)}
        trees = {path: ET.fromstring(text) for path, text in texts.items() if text}
        needed = {tree.findtext("backingStore/path") for tree in trees.values()}
        for path, tree in trees.items():
            box, is_base, _ = Path(path).name.partition(OF_BOX)
            if is_base and path not in needed:
                size = int(tree.findtext("allocation") or 0)
                found.append(BaseImage(box.replace("-VAGRANTSLASH-", "/"), path, size))
    return found


def remove_base_images(shell: Box, images: Iterable[BaseImage]) -> None:
    """Remove these images; HostError if libvirt refuses."""
    for image in images:
        _remove(shell, "vol-delete", image.path)


def remove_volumes(shell: Box, beginning: re.Pattern[str]) -> list[str]:
    """Remove the volumes whose names begin so and that no domain uses, and return their names.

    They are of domains that are gone, or that an interrupted `up` did not define any more.
    """
    removed = []
    used = {disk for name in domains(shell) for disk in _disks(shell, name)}
    for pool in _pools(shell):
        for path in _volumes(shell, pool):
            if beginning.match(Path(path).name) and path not in used:
                _remove(shell, "vol-delete", path)
                removed.append(Path(path).name)
    return removed


def _volumes(shell: Box, pool: str) -> list[str]:
    return [line.split(None, 1)[1] for line in virsh(shell, "vol-list", pool)]


def _pools(shell: Box) -> list[str]:
    """Every storage pool, started if it was not: libvirt lists no volumes of an inactive pool."""
    awake = virsh(shell, "pool-list", "--name")
    for pool in virsh(shell, "pool-list", "--all", "--name"):
        if pool not in awake and shell.run(["virsh", "-q", "-c", URI, "pool-start", pool], timeout=60).ok:
            awake.append(pool)
    return awake


def remove_network(shell: Box) -> None:
    """Remove vagrant-libvirt's management network once no machine at all is defined."""
    if not domains(shell) and NETWORK in virsh(shell, "net-list", "--all", "--name"):
        shell.run(["virsh", "-q", "-c", URI, "net-destroy", NETWORK], timeout=60)
        _remove(shell, "net-undefine", NETWORK)
