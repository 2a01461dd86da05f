"""What earlier runs of any checkout left on this machine: domains, volumes, networks, processes, work folders."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from lab.boxes.base import Box
from lab.boxes.notes import Notes
from lab.engines import host
from lab.machines import daemons, hypervisor
from lab.project import Project

DOMAIN_FILES = Path("/etc/libvirt/qemu")
IMAGES = Path("/var/lib/libvirt/images")
MADE_BY = "made by lab in "
OURS = re.compile(r"lab-[0-9a-f]{6}-.+")


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing that nothing needs any more: its sort, its name, and the command that removes it."""

    sort: str
    name: str
    mend: str


def find(project: Project, shell: Box) -> list[Leftover]:
    """Everything named like lab's that no note of this checkout, and no other living checkout, accounts for.

    Of libvirt's side nothing is said to a user who may not see its domains: a volume may be a living machine's.
    """
    domains = list_domains(shell)
    found = [] if domains is None else [*_of_libvirt(project, domains)]
    for name in host.leftovers(project.state):
        found.append(Leftover("engine", f"Docker {name} on this machine", "python -m lab down"))
    for path in sorted((project.cache / "boxes").glob("work-*")):
        found.append(Leftover("work folder", str(path), "python -m lab bake"))
    return found


def _of_libvirt(project: Project, domains: dict[str, str]) -> Iterator[Leftover]:
    """Domains, volumes, network and processes that no living checkout accounts for."""
    kept = {project.prefix + name for name in Notes(project.state).boxes()}
    for name, folder in domains.items():
        if name in kept or (folder and folder != str(project.root) and _stands(folder)):
            continue
        mine = name.startswith(project.prefix)
        yield Leftover("domain", name, "python -m lab down" if mine else "python -m lab down --orphans")
    alive = set(domains)
    for path in sorted(IMAGES.glob("lab-*")) if _readable(IMAGES) else []:
        owner = path.name.rsplit(".", 1)[0]
        base = "-VAGRANTSLASH-" in path.name
        if (base and not alive) or (not base and OURS.fullmatch(owner) and owner not in alive):
            yield Leftover("volume", path.name, "python -m lab down --orphans")
    if not domains and (DOMAIN_FILES / "networks" / f"{hypervisor.NETWORK}.xml").exists() and not _others():
        yield Leftover("network", hypervisor.NETWORK, "python -m lab down --orphans")
    for pid, what in _processes(alive):
        yield Leftover("process", f"{what} ({pid})", f"kill {pid}")


def orphans(shell: Box) -> list[str]:
    """Domains made by a checkout that is not there any more."""
    return [name for name, folder in (list_domains(shell) or {}).items() if folder and not _stands(folder)]


def _stands(folder: str) -> bool:
    """True unless a checkout is known to be gone: what another user keeps to himself is his."""
    try:
        return Path(folder).is_dir()
    except OSError:
        return True


def list_domains(shell: Box) -> dict[str, str] | None:
    """The lab's domains on this machine with the folder of the checkout that made each; None if they cannot be known.

    Read from libvirt's own files where its daemon does not answer: after `down` it need not run. A plain user may see
    neither.
    """
    texts: dict[str, str] = {}
    if daemons.answers(shell):
        for name in hypervisor.domains(shell):
            if OURS.fullmatch(name):
                texts[name] = "\n".join(hypervisor.virsh(shell, "dumpxml", name))
    else:
        try:
            files = [path for path in DOMAIN_FILES.iterdir() if path.match("lab-*.xml")]
            texts = {path.stem: path.read_text(encoding="utf-8") for path in files}
        except FileNotFoundError:
            return {}
        except PermissionError:
            return None
    return {name: _made_in(text) for name, text in sorted(texts.items())}


def _made_in(text: str) -> str:
    start = text.find("<domain")
    said = ET.fromstring(text[start:]).findtext("description") or ""
    return said.removeprefix(MADE_BY) if said.startswith(MADE_BY) else ""


def _processes(alive: set[str]) -> list[tuple[int, str]]:
    """Emulators without a domain, and registries of a lab that was killed (their folder's name tells)."""
    found = []
    for process in psutil.process_iter(["pid", "ppid", "cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        guest = re.search(r"qemu-system.* guest=(lab-[0-9a-f]{6}-[^, ]+)", line)
        if guest and guest[1] not in alive:
            found.append((process.info["pid"], f"qemu {guest[1]}"))
        if "serve" in line and "/lab-registry-" in line and process.info["ppid"] == 1:
            found.append((process.info["pid"], "registry"))
    return found


def _others() -> bool:
    """True if libvirt holds machines that are not the lab's."""
    return any(path for path in DOMAIN_FILES.glob("*.xml"))


def _readable(folder: Path) -> bool:
    try:
        return any(True for _ in folder.iterdir()) or True
    except OSError:
        return False  # a plain user may not look there; libvirt's answer stands alone then
