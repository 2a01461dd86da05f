"""The part `base`: the busybox that becomes the base image on a machine that has none."""

from __future__ import annotations

import shutil
from pathlib import Path

from lab.boxes.baking.workbench import search_path
from lab.engines.elf import read_elf
from lab.errors import HostError
from lab.machines.pack.gathering import Item, Request
from lab.machines.pack.manifest import FOLDERS, Sort
from lab.project import BUSYBOX


def gather(request: Request) -> list[Item]:
    """This machine's busybox, which must be a static program; HostError if there is none."""
    found = shutil.which("busybox", path=search_path())
    if found is None:
        raise HostError("cannot pack a base image: busybox is not installed", hint="python -m lab setup")
    path = Path(found).resolve()
    elf = read_elf(path.read_bytes())
    if elf is None or elf.needed:
        raise HostError(
            f"cannot pack a base image: {path} needs libraries, and a base image has none",
            hint="apt-get install busybox-static",
        )
    return [Item(path, f"{FOLDERS[Sort.BASE]}/{BUSYBOX.name}", Sort.BASE, "busybox")]
