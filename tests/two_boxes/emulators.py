"""The machines of this checkout, and those of others, by libvirt and by their emulators."""

from __future__ import annotations

import psutil

from lab.boxes.local import LocalBox
from lab.machines import hypervisor
from lab.project import Project
from tests.faults.guests import emulators


def machines(project: Project) -> list[psutil.Process]:
    """The emulators of this checkout's own machines: their names begin with its prefix."""
    return emulators(f"{project.prefix}*")


def others(project: Project) -> tuple[list[str], list[int]]:
    """The names of the machines that are not this checkout's, and the processes of those that run."""
    names = [name for name in hypervisor.domains(LocalBox()) if not name.startswith(project.prefix)]
    running = {process.pid for process in emulators("*")} - {process.pid for process in machines(project)}
    return sorted(names), sorted(running)


def kill(processes: list[psutil.Process]) -> None:
    """End these at once, and see that they are gone."""
    for process in processes:
        process.kill()
    assert not psutil.wait_procs(processes, timeout=60)[1]
