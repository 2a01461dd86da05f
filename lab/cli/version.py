"""What `lab --version` prints beside lab's own version."""

from __future__ import annotations

import platform
import shutil
import sys

SECONDS = 20.0  # time limit of a program that is asked for its version


def versions() -> list[str]:
    """A line each for Python, Vagrant, and the providers of virtual machines that are installed here."""
    from lab.machines import hypervisor

    found = []
    if hypervisor.usable():
        found.append(f"libvirt {_version('virsh')}")
    if shutil.which("VBoxManage"):
        found.append(f"VirtualBox {_version('VBoxManage')}")
    vagrant = _version("vagrant").removeprefix("Vagrant ") if shutil.which("vagrant") else "not installed"
    return [
        f"Python {platform.python_version()} ({sys.executable})",
        f"Vagrant {vagrant}",
        f"providers: {', '.join(found) or 'none found'}",
    ]


def _version(program: str) -> str:
    from lab.boxes.local import LocalBox

    result = LocalBox("this machine").run([program, "--version"], timeout=SECONDS)
    return result.text.splitlines()[0] if result.ok and result.text else "(its version cannot be read)"
