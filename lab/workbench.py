"""Where boxes are baked: this machine's programs, the right to be root, and a work folder that leaves nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.boxes.base import Box, OnOutput, Result, failure
from lab.errors import HostError

SBIN = ("/usr/sbin", "/sbin")
PROGRAMS = (
    *("mmdebstrap", "mke2fs", "mkfs.vfat", "mcopy", "syslinux", "sfdisk", "qemu-img"),
    *("apt-get", "chroot", "setpriv", "unshare", "findmnt", "tar"),
)
NEEDED_MB = 4000  # measured: 0.6 GB of tree, and for each of two boxes 0.6 GB three times over


@dataclass(frozen=True, slots=True)
class Workbench:
    """Runs commands for one bake; `sudo` is what goes before those that only root may run (nothing, if we are root)."""

    shell: Box
    sudo: tuple[str, ...] = ()

    def run(
        self, *argv: str | Path, root: bool = False, timeout: float = 600, on_output: OnOutput | None = None
    ) -> Result:
        """Run one command, as root if asked; the Result whatever its exit status."""
        words = [str(word) for word in argv]
        env = {"PATH": search_path(), "MTOOLS_SKIP_CHECK": "1"}
        if root and self.sudo:
            # sudo drops the environment, so it is said again behind it
            words = [*self.sudo, "env", "LC_ALL=C", *(f"{name}={value}" for name, value in env.items()), *words]
        return self.shell.run(words, env=env, timeout=timeout, on_output=on_output)

    def check(self, *argv: str | Path, doing: str, root: bool = False, timeout: float = 600) -> Result:
        """Run one command that must succeed; raise HostError for a full disk, CommandError for anything else."""
        result = self.run(*argv, root=root, timeout=timeout)
        if not result.ok:
            raise disk_full(result) or failure(self.shell.name, doing, result)
        return result

    @contextmanager
    def folder(self, path: Path) -> Iterator[Path]:
        """An empty folder that is removed at the end; one that a killed bake left is removed first."""
        self.remove(path)
        path.mkdir(parents=True)
        try:
            yield path
        finally:
            self.remove(path)

    def remove(self, path: Path) -> None:
        """Remove a work folder with what root owns in it, never reaching into something mounted below it.

        Nothing mounts there outside of a mount namespace of its own, but "nothing" has been wrong before and the
        price would be this machine's /dev or /proc.
        """
        if not path.exists():
            return
        mounts = self.run("findmnt", "--noheadings", "--raw", "--output", "TARGET").text.splitlines()
        below = [mount for mount in mounts if mount.startswith(f"{path}/")]
        for mount in reversed(below):
            self.check("umount", mount, doing=f"unmount {mount}, left by an earlier bake,", root=True)
        self.check("rm", "-rf", "--one-file-system", path, doing=f"remove {path}", root=True)


def open_workbench(shell: Box, cache: Path) -> Workbench:
    """A workbench for a bake into `cache`; raise HostError for a missing program, right or space."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=search_path()) is None]
    if missing:
        raise HostError(f"cannot bake boxes: {', '.join(missing)} not installed", hint="python -m lab setup")
    sudo = () if os.geteuid() == 0 else ("sudo", "-n")
    if sudo and not shell.run([*sudo, "true"], timeout=20).ok:
        raise HostError(
            "cannot bake boxes: only root can make a root tree with its owners and labels, and sudo wants a password",
            hint="sudo -v, then the same command again",
        )
    try:
        cache.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(cache).free // 1_000_000
    except OSError as error:
        raise HostError(f"cannot use {cache}: {error.strerror}") from error
    if free < NEEDED_MB:
        raise HostError(
            f"cannot bake boxes: {free} MB free at {cache}, {NEEDED_MB} MB are needed",
            hint="free some space there, or set LAB_CACHE to a folder on another disk",
        )
    return Workbench(shell, sudo)


def disk_full(result: Result) -> HostError | None:
    """The error for a command that ran out of space; None if it failed of something else."""
    if b"No space left on device" not in result.output:
        return None
    return HostError(
        "cannot bake boxes: the disk is full",
        hint="free some space, or set LAB_CACHE to a folder on another disk",
        output=result.output,
    )


def first(patterns: Sequence[str], what: str) -> Path:
    """The first file that matches one of these patterns on this machine; raise HostError if none does."""
    for pattern in patterns:
        for path in sorted(Path("/").glob(pattern.lstrip("/"))):
            return path
    raise HostError(f"cannot bake boxes: {what} is not on this machine", hint="python -m lab setup")


def search_path() -> str:
    """PATH with the folders of administration: a plain user's lacks them."""
    return os.pathsep.join([os.environ.get("PATH", ""), *SBIN])
