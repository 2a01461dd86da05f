"""What lab has on this machine beside boxes, and what earlier runs left: programs, engines, domains, folders."""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from lab import files
from lab.boxes import beside
from lab.boxes.base import Box, Tell
from lab.boxes.notes import Notes
from lab.engines import host
from lab.engines.holding import owner_of, user_of
from lab.errors import BusyError
from lab.machines import daemons, hypervisor, kept
from lab.model import Progress
from lab.project import Project
from lab.results.summary import is_running
from lab.workers import wait_for

DOMAIN_FILES = Path("/etc/libvirt/qemu")
IMAGES = Path("/var/lib/libvirt/images")
MADE_BY = "made by lab in "
AFTER_USE = "python -m lab down, once the lab process that uses it has ended"
RUNS = "lab-runs"  # in the home folder of a box, this machine among them
WATCHER_SECONDS = 120  # without a sign of progress of a clean-up after a killed run
OURS = re.compile(r"lab-[0-9a-f]{6}-.+")
DISKS = re.compile(
    rf"{OURS.pattern}|lab-VAGRANTSLASH-.+{hypervisor.OF_BOX}"
)  # of machines, and the images of baked boxes


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing that nothing needs any more: its sort, its name, and the command that removes it."""

    sort: str
    name: str
    fix: str


def find(project: Project, shell: Box) -> list[Leftover]:
    """Everything named like lab's that neither a note of this checkout nor another existing checkout accounts for.

    libvirt is left out for a user who may not see its domains: a volume may belong to a machine that exists.
    """
    domains = list_domains(shell) if shutil.which("virsh") else None
    found = [] if domains is None else [*_of_libvirt(project, domains)]
    for item in beside_lab(project):
        if item.state is not State.IN_USE:
            found.append(Leftover(item.sort, item.name, item.remove))
    for path in sorted((project.cache / "boxes").glob("work-*")):
        found.append(Leftover("work folder", str(path), "python -m lab bake"))
    return found


class State(StrEnum):
    """Whether a running lab process uses a thing, lab keeps it, or a lab process that was killed left it."""

    IN_USE = "in use"
    KEPT = "kept by `up`"
    LESSON = "kept by `lesson start`"
    LEFT = "left by a run that was killed"


@dataclass(frozen=True, slots=True)
class BesideLab:
    """A program or an engine that lab started on this machine itself, and the command that removes it."""

    sort: str
    name: str
    state: State
    remove: str


def beside_lab(project: Project) -> list[BesideLab]:
    """The engines, programs and folders of runs of this checkout that are on this machine now."""
    found, state = [], project.state
    for name in host.leftovers(state):
        owner, user = owner_of(name, state), user_of(name, state)
        alive = user is not None or (owner is not None and owner.alive())
        how = State.IN_USE if alive else State.KEPT if owner is None else State.LEFT
        removal = AFTER_USE if alive and owner is None else _removal(how)
        found.append(BesideLab("engine", engine_title(name), how, removal))
    for item in beside.standing(state):
        how = State.IN_USE if item.owned else State.LEFT
        pids = f" (process {', '.join(map(str, item.pids))})" if item.pids else ""
        found.append(BesideLab("program", f"{item.what}{pids}", how, _removal(how)))
    for folder in _run_folders(project):
        found.append(BesideLab("folder", str(folder), State.LEFT, _removal(State.LEFT)))
    for process in beside.strays(state):
        found.append(BesideLab("program", f"vagrant (process {process.pid})", State.LEFT, _removal(State.LEFT)))
    return found


def engine_title(name: str) -> str:
    """How the engine of a name is called among what is on this machine."""
    return f"Docker {name} on this machine"


def _run_folders(project: Project) -> list[Path]:
    """The folders below ~/lab-runs of runs that this checkout stored and that no process makes any more.

    Those that `repro --keep` left stay until `down --leftovers`.
    """
    wanted = kept.runs(project.state)
    mine = (folder for folder in (Path.home() / RUNS).glob("*") if (project.results / folder.name).is_dir())
    return [
        folder for folder in sorted(mine) if folder.name not in wanted and not is_running(project.results / folder.name)
    ]


def _removal(how: State) -> str:
    if how is State.IN_USE:
        return "it ends with the lab process that uses it"
    return "python -m lab down" if how is State.KEPT else "python -m lab down --leftovers"


def await_watchers(state: Path, tell: Tell) -> None:
    """Wait until the clean-ups that killed lab processes of this checkout have started have ended.

    BusyError if one shows no progress for WATCHER_SECONDS: none of its programs ends or starts.
    """
    working = beside.watchers(state)
    if not working:
        return
    pids = ", ".join(str(process.pid) for process in working)
    tell(Progress("leftovers", f"waiting for the clean-up after a run that was killed (process {pids})"))

    def look() -> bool | str:
        running = [process.pid for process in beside.watchers(state)]
        return f"process {', '.join(map(str, running))} still runs" if running else True

    wait_for(
        "the clean-up after a run that was killed",
        look,
        timeout=WATCHER_SECONDS,
        every=0.1,
        error=BusyError,
        hint=f"`kill {pids.replace(',', '')}` ends it, and `python -m lab down` then does its work",
        progress=look,
        who="leftovers",
    )
    tell(Progress("leftovers", "the clean-up after a run that was killed has ended", done=True))


def sweep(project: Project, shell: Box, tell: Tell) -> list[str]:
    """Remove what lab processes that have ended left on this machine: programs, folders, engines. Boxes stay.

    Another sweep of this checkout ends first. Returns the names of what was removed; HostError if something stays.
    """
    state = project.state
    if not any(item.state is State.LEFT for item in beside_lab(project)):
        return []  # also where the state cannot be written

    def begin() -> ExitStack | str:
        stack = ExitStack()
        try:
            stack.enter_context(files.hold(state, ["sweep"], "down --leftovers", wait=False))
        except BusyError as error:
            return error.message
        return stack

    with wait_for("another clean-up of this checkout", begin, timeout=120, every=0.1, error=BusyError):
        tell(Progress("leftovers", "removing what a run that was killed left"))
        removed = beside.sweep(state)
        for name in host.abandoned(state):
            host.stop(shell, name, state)
            removed.append(f"engine {name}")
        for folder in _run_folders(project):
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(str(folder))
        with suppress(OSError):  # not empty: runs of another checkout
            (Path.home() / RUNS).rmdir()
        tell(Progress("leftovers", f"removed {', '.join(removed) or 'nothing'}", done=True))
    return removed


def _of_libvirt(project: Project, domains: dict[str, str]) -> Iterator[Leftover]:
    """Domains, volumes, network and processes that no existing checkout accounts for."""
    kept = {project.prefix + name for name in Notes(project.state).boxes()}
    for name, folder in domains.items():
        mine = name.startswith(project.prefix)
        # without a folder, lab did not make it: it is only named like a machine of lab
        others = folder != str(project.root) and _stands(folder) if folder else not mine
        if name in kept or others:
            continue
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
    """Domains of checkouts that do not exist any more."""
    return [name for name, folder in (list_domains(shell) or {}).items() if folder and not _stands(folder)]


def _stands(folder: str) -> bool:
    """True unless a checkout is known to be gone; a folder that this user may not look at counts as existing."""
    try:
        return Path(folder).is_dir()
    except OSError:
        return True


def list_domains(shell: Box) -> dict[str, str] | None:
    """Lab's domains on this machine with the folder of the checkout that made each; None if they cannot be known.

    Where libvirt's daemon does not answer, they are read from its files: after `down` the daemon need not run. A plain
    user may be allowed neither.
    """
    texts: dict[str, str] = {}
    if daemons.answers(shell):
        for name in hypervisor.domains(shell):
            if OURS.fullmatch(name) and (text := hypervisor.description(shell, "dumpxml", name)):
                texts[name] = text
    else:
        try:
            found = [path for path in DOMAIN_FILES.iterdir() if path.match("lab-*.xml")]
            texts = {path.stem: path.read_text(encoding="utf-8") for path in found}
        except FileNotFoundError:
            return {}
        except PermissionError:
            return None
    return {name: _made_in(text) for name, text in sorted(texts.items())}


def _made_in(text: str) -> str:
    start = text.find("<domain")
    text = ET.fromstring(text[start:]).findtext("description") or ""
    return text.removeprefix(MADE_BY) if text.startswith(MADE_BY) else ""


def _processes(alive: set[str]) -> list[tuple[int, str]]:
    """Emulators without a domain, and registries of an older version of lab that was killed."""
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
    """True if libvirt has machines that are not lab's."""
    return any(path for path in DOMAIN_FILES.glob("*.xml"))


def _readable(folder: Path) -> bool:
    try:
        return any(True for _ in folder.iterdir()) or True
    except OSError:
        return False  # a plain user may not look there; then only libvirt's answer counts
