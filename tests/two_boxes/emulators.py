"""The emulators of this machine: those of this checkout, and those of others."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from lab.boxes.local import LocalBox
from lab.machines import hypervisor
from lab.project import Project


def machines(project: Project) -> list[psutil.Process]:
    """The emulators of this checkout's own machines: their names begin with its prefix."""
    return [process for name, process in emulators() if name.startswith(project.prefix)]


def emulators() -> Iterator[tuple[str, psutil.Process]]:
    """Every emulator of this machine with the name of its machine."""
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if "qemu-system" in line and " guest=" in line:
            yield line.partition(" guest=")[2].partition(",")[0], process


def others(project: Project) -> tuple[list[str], list[tuple[str, int]]]:
    """The machines that are not this checkout's, and the emulators of those that run."""
    names = [name for name in hypervisor.domains(LocalBox()) if not name.startswith(project.prefix)]
    running = [(name, process.pid) for name, process in emulators() if not name.startswith(project.prefix)]
    return sorted(names), sorted(running)


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        process.kill()
    assert not psutil.wait_procs(processes, timeout=60)[1]
