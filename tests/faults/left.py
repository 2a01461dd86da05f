"""What of a workplace is on the machine: each sort of thing is looked for where the kernel or the disk shows it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from lab.machines.hypervisor import NETWORK
from tests.faults import guests
from tests.faults.workplace import GUEST, MARK, Workplace

CGROUPS = Path("/sys/fs/cgroup")
DOMAINS, IMAGES, SAVED = Path("/etc/libvirt/qemu"), Path("/var/lib/libvirt/images"), Path("/var/lib/libvirt/qemu")


def processes(place: Workplace) -> Iterator[str]:
    """Those that the program started in this workplace, by a variable that all of them inherit."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == str(place.root) and process.status() != psutil.STATUS_ZOMBIE:
                yield f"{process.pid} {' '.join(process.cmdline())[:120]}"


def mounts(place: Workplace) -> Iterator[str]:
    """Mounts below the workplace, except those that a fault made."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4]
        if point.startswith(f"{place.state}/") or point.startswith(f"{place.temporary}/"):
            yield point


def namespaces(place: Workplace) -> Iterator[str]:
    """Namespaces in which a process of the workplace is that this process is not in."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) != str(place.root):
                continue
            for kind in ("mnt", "pid", "net"):
                if Path(f"/proc/{process.pid}/ns/{kind}").readlink() != Path(f"/proc/self/ns/{kind}").readlink():
                    yield f"{kind} of {process.pid}"


def bridges(place: Workplace) -> Iterator[str]:
    """Network bridges of its engines."""
    for home in place.homes():
        if Path("/sys/class/net", home.daemon.bridge).exists():
            yield home.daemon.bridge


def rules(place: Workplace) -> Iterator[str]:
    """Rules of the packet filter that name the bridges of its engines, as all of theirs do.

    A network does not tell whose a rule is: of 512 networks, two checkouts may have the same one.
    """
    if not shutil.which("iptables-save"):
        return
    saved = subprocess.run(["iptables-save"], capture_output=True, text=True, check=False).stdout
    for home in place.homes():
        for line in saved.splitlines():
            if home.daemon.bridge in line:
                yield line


def cgroups(place: Workplace) -> Iterator[str]:
    """Control groups of its engines, in each hierarchy."""
    for home in place.homes():
        for top in (CGROUPS / home.cgroup, *CGROUPS.glob(f"*/{home.cgroup}")):
            if top.exists():
                yield str(top)


def sockets(place: Workplace) -> Iterator[str]:
    """Folders of sockets of its engines, and listening sockets below the workplace."""
    for home in place.homes():
        if Path(home.daemon.run).exists():
            yield str(home.daemon.run)
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        path = line.split(maxsplit=7)[7] if len(line.split(maxsplit=7)) == 8 else ""
        if path.startswith(str(place.root)):
            yield path


def folders(place: Workplace) -> Iterator[str]:
    """Temporary folders, the files of trials, and the folders of engines and programs."""
    yield from (str(path) for path in place.temporary.iterdir())
    yield from (str(path) for path in place.home.glob("lab-runs/*") if path.name[:4] != "2020")  # a stranger's is 2020
    for item in place.hosts.values():
        yield from (f"{item.name}:{path}" for path in item.place.home.glob("lab-runs/*"))
    yield from (str(path) for path in (place.state / "beside").glob("*"))
    yield from (str(path) for path in (place.state / "engines").glob("*"))


def parts(place: Workplace) -> Iterator[str]:
    """Files that were being written, below what the workplace stores.

    Those of a pack are not among them: the next `lab pack` continues them (lab/machines/pack/arrival.py), and the
    guarantee of the second run counts those that are left then.
    """
    for top in (place.results, place.cache, place.state):
        found = (path for path in top.rglob("*.part") if not path.is_relative_to(place.pack))
        yield from map(str, found)


def machines(place: Workplace) -> Iterator[str]:
    """Domains, volumes, networks, snapshots and saved images of libvirt whose names have the workplace's prefix."""
    for folder in (DOMAINS, DOMAINS / "networks", IMAGES, *(SAVED / name for name in ("save", "snapshot", "nvram"))):
        if folder.is_dir():
            yield from (str(path) for path in folder.glob(f"{place.project.prefix}*"))


def shared(place: Workplace) -> Iterator[str]:
    """The network and the base images, which all checkouts share: they count where libvirt has no machine at all.

    Where the workplace has had no machine, they are another one's, which may have none at this moment.
    """
    if (place.root / ".vagrant").exists() and not any(DOMAINS.glob("*.xml")):
        yield from (str(path) for path in DOMAINS.glob(f"networks/{NETWORK}.xml"))
        for box in GUEST:
            yield from (str(path) for path in IMAGES.glob(f"lab-VAGRANTSLASH-{box}-*"))


def emulators(place: Workplace) -> Iterator[str]:
    """Emulators of the workplace's machines; libvirt starts them, so they do not inherit its variable."""
    yield from (str(process.pid) for process in guests.emulators(f"{place.project.prefix}*"))


def notes(place: Workplace) -> Iterator[str]:
    """What lab and Vagrant know of machines that lab made; the key of a host behind ssh stays known."""
    keys = {f"{name}.known_hosts" for name in place.hosts}
    yield from (str(path) for path in (place.state / "machines").glob("*") if path.name not in keys)
    yield from (str(path) for path in (place.root / ".vagrant" / "machines").glob("*/*/id"))


SORTS: dict[str, Callable[[Workplace], Iterator[str]]] = {
    "process": processes,
    "mount": mounts,
    "namespace": namespaces,
    "bridge": bridges,
    "packet filter rule": rules,
    "control group": cgroups,
    "socket": sockets,
    "folder": folders,
    "unfinished file": parts,
    "domain, volume or network": machines,
    "shared network or image": shared,
    "emulator": emulators,
    "note of a machine": notes,
}


def left(place: Workplace) -> list[str]:
    """All that is there now, each with its sort."""
    return [f"{sort}: {name}" for sort, look in SORTS.items() for name in look(place)]
