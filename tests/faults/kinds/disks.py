"""Disks that are full: of the results, of the state with the engines' data, of the home folder, of the registry."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.faults.fault import Kind
from tests.faults.scene import Scene

FILLER = "filler"
ROOM = 256 << 20  # bytes that a large disk has until the fault strikes: to fill gigabytes takes longer than a build


@dataclass(frozen=True)
class Full(Kind):
    """The disk of a folder of the workplace has only `spare` bytes left."""

    folder: str
    spare: int = 0

    def prepare(self, scene: Scene) -> None:
        """Take away what nothing needs before the fault strikes."""
        folder = getattr(scene.place, self.folder)
        if free(folder) > 2 * ROOM:
            fill(folder, ROOM)

    def strike(self, scene: Scene) -> None:
        """Fill it."""
        fill(getattr(scene.place, self.folder), self.spare)

    def heal(self, scene: Scene) -> None:
        """Make room again."""
        (getattr(scene.place, self.folder) / FILLER).unlink(missing_ok=True)


@dataclass(frozen=True)
class RegistryFull(Kind):
    """The registry stores on a disk of its own, which is full from some moment on."""

    def prepare(self, scene: Scene) -> None:
        """Give it that disk."""
        folder = scene.place.state / "registry"
        folder.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "lab-faults", str(folder)], check=True)

    def strike(self, scene: Scene) -> None:
        """Fill it."""
        fill(scene.place.state / "registry", 0)

    def heal(self, scene: Scene) -> None:
        """Take it away."""
        subprocess.run(["umount", "--lazy", str(scene.place.state / "registry")], check=True)


def free(folder: Path) -> int:
    """The bytes that a disk has left."""
    size = os.statvfs(folder)
    return size.f_bavail * size.f_frsize


def fill(folder: Path, spare: int) -> None:
    """Write a file into a folder, or add to it, until its disk has only `spare` bytes left."""
    with (folder / FILLER).open("ab", buffering=0) as file:
        while spare and (more := free(folder) - spare) > 0:
            try:
                os.posix_fallocate(file.fileno(), file.tell(), more)
                return
            except OSError:  # another program took some of it in between
                continue
        try:
            while not spare:
                file.write(bytes(1 << 20))
        except OSError:
            pass
        try:
            while not spare:
                file.write(bytes(512))
        except OSError:
            pass
