"""What the whole machine has: names in the network and memory, as the program and what it starts see them."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.faults.fault import Kind
from tests.faults.scene import Scene

CGROUPS = Path("/sys/fs/cgroup")
# For /bin/sh: the words, in a mount namespace in which a file is another one.
INSTEAD = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
NOBODY = "nameserver 192.0.2.1\noptions timeout:1 attempts:1\n"  # RFC 5737: an address where nobody is


@dataclass(frozen=True)
class NoNames(Kind):
    """No name server answers."""

    def prepare(self, scene: Scene) -> None:
        """Start the program where /etc/resolv.conf names an address at which nobody is."""
        file = scene.place.root / "resolv.conf"
        file.write_text(NOBODY)
        real = os.path.realpath("/etc/resolv.conf")
        scene.place.before = (
            "unshare",
            "--mount",
            "--propagation",
            "slave",
            "sh",
            "-c",
            INSTEAD,
            "sh",
            str(file),
            real,
        )

    def strike(self, scene: Scene) -> None:
        """It is so from the start."""

    def heal(self, scene: Scene) -> None:
        """Start the next program as usual."""
        scene.place.before = ()


@dataclass(frozen=True)
class LittleMemory(Kind):
    """A control group with few bytes of memory, for the program or for these programs of the engine."""

    mebibytes: int
    names: tuple[str, ...] = ()

    def strike(self, scene: Scene) -> None:
        """Move the processes there."""
        group, limit = _group(scene)
        group.mkdir()
        (group / limit).write_text(str(self.mebibytes << 20))
        for process in scene.wait_for(*self.names) if self.names else [scene.lab()]:
            with suppress(ProcessLookupError):
                (group / "cgroup.procs").write_text(str(process.pid))

    def heal(self, scene: Scene) -> None:
        """Move those that are left back, and remove the group."""
        group, _ = _group(scene)
        if not group.exists():
            return
        for pid in (group / "cgroup.procs").read_text().split():
            with suppress(OSError):
                (group.parent / "cgroup.procs").write_text(pid)
        group.rmdir()


def _group(scene: Scene) -> tuple[Path, str]:
    name = f"faults-{os.getpid()}"
    first = CGROUPS / "memory" / name, "memory.limit_in_bytes"
    return first if first[0].parent.is_dir() else (CGROUPS / name, "memory.max")
