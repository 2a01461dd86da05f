"""The data of private engines in memory: a file system of its own for each, which ends with the engine.

BuildKit and containerd wait for the disk after each entry of their databases, some hundred times in a build. A tmpfs
saves that. It is used only where it stores all that the disk stores of a file, so that builds have the same outcomes.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import psutil

from lab.boxes.base import Box

MIB = 256  # at most, for one engine; the engines of the library hold less than 20 MiB
CGROUP = Path("/sys/fs/cgroup")
SPARE = 2048  # MiB that stay free for the programs
# For /bin/sh, in namespaces of its own: a probe of the folder $1, and one of a tmpfs that is mounted on it.
BOTH = 'program=$2; "$program" -S -c "$3" "$1" && mount -t tmpfs -o size=1m lab "$1" && "$program" -S -c "$3" "$1"'
# What a builder stores of files; prints in one line the names of what the file system of the folder can store.
PROBE = r"""
import os, stat, sys
os.chdir(sys.argv[1])
path = "lab-probe"
open(path, "w").close()
acl = bytes.fromhex("02000000 01000600ffffffff 02000400e8030000 04000400ffffffff 10000400ffffffff 20000400ffffffff")
capability = bytes.fromhex("00000002 00040000" + "00" * 12)
tries = {
    "user.* attributes": lambda: os.setxattr(path, "user.lab", b"1"),
    "trusted.* attributes": lambda: os.setxattr(path, "trusted.lab", b"1"),
    "security.* attributes": lambda: os.setxattr(path, "security.lab", b"1"),
    "file capabilities": lambda: os.setxattr(path, "security.capability", capability),
    "POSIX ACLs": lambda: os.setxattr(path, "system.posix_acl_access", acl),
    "hard links": lambda: os.link(path, path + "-link"),
    "devices": lambda: os.mknod(path + "-device", stat.S_IFCHR | 0o600, 0),
}
found = []
for name, attempt in tries.items():
    try:
        attempt()
        found.append(name)
    except OSError:
        pass
os.utime(path, ns=(1, 1234567891))
found += ["times in nanoseconds"] if os.stat(path).st_mtime_ns == 1234567891 else []
for name in (path, path + "-link", path + "-device"):
    if os.path.lexists(name):
        os.unlink(name)
print(",".join(found))
"""


def refusal(box: Box, folder: Path, engines: int) -> str | None:
    """Why so many engines at once cannot have their data in memory instead of in this folder; None if they can."""
    free, needed = _free(), engines * MIB + SPARE
    if free < needed:
        return f"{needed} MiB would have to be free, and {free} MiB are"
    folder.mkdir(parents=True, exist_ok=True)
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", BOTH, "sh", str(folder), sys.executable]
    probed = box.run([*words, PROBE], timeout=60)
    if not probed.ok or len(probed.text.split("\n")) != 2:
        return f"a file system in memory cannot be made: {probed.output.decode('utf-8', 'replace').strip()}"
    disk, memory = (line.split(",") for line in probed.text.split("\n"))
    missing = [name for name in disk if name not in memory]
    return f"a file system in memory does not store {', '.join(missing)} here, and the disk does" if missing else None


def _free() -> int:
    """The MiB of memory that are free on this machine, and for this container if it has a limit."""
    found = psutil.virtual_memory().available
    with suppress(OSError, ValueError):  # no control groups of version 2; "max" is no limit
        limit, used = (int((CGROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        found = min(found, limit - used)
    return found >> 20


def mount(box: Box, folder: Path, mebibytes: int) -> None:
    """Make the folder a file system in memory of that size at most; CommandError if that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    size = f"size={mebibytes}m,mode=0755"
    box.check(["mount", "-t", "tmpfs", "-o", size, "lab", str(folder)], doing=f"keep {folder} in memory")


def unmount(box: Box, folder: Path) -> None:
    """Remove the file system with all that is in it, if there is one; CommandError if it stays."""
    while folder.is_mount():
        box.check(["umount", str(folder)], doing=f"remove {folder} from memory")
