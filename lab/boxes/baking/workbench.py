"""Where boxes and engines are made: programs, the right to be root, and a work folder that leaves nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lab.boxes.base import Box, OnOutput, Result, failure
from lab.errors import HostError

SBIN = ("/usr/sbin", "/sbin")
PROGRAMS = (
    *("mmdebstrap", "mke2fs", "mkfs.vfat", "mcopy", "syslinux", "sfdisk", "qemu-img"),
    *("apt-get", "chroot", "setpriv", "unshare", "findmnt", "tar"),
)
# Its own mounts and its own processes: what lives in there dies with its first process, and that with lab. Else a
# killed bake would leave dpkg at work in a tree that is being removed (semodule, for one, listens to no signal).
IN_NAMESPACE = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
NEEDED_MB = 4000  # measured: 0.6 GB of tree, and for each of two boxes 0.6 GB three times over


@dataclass(frozen=True, slots=True)
class Workbench:
    """Runs commands for one bake; `sudo` is what goes before those that only root may run (nothing, if we are root)."""

    shell: Box
    sudo: tuple[str, ...] = ()
    task: str = "bake boxes"

    def run(
        self,
        *argv: str | Path,
        root: bool = False,
        timeout: float = 600,
        on_output: OnOutput | None = None,
        cwd: Path | None = None,
    ) -> Result:
        """Run one command, as root if asked; the Result whatever its exit status."""
        words = [str(word) for word in argv]
        env = {"PATH": search_path(), "MTOOLS_SKIP_CHECK": "1"}
        if root and self.sudo:
            # sudo drops the environment, so it is said again behind it
            words = [*self.sudo, "env", "LC_ALL=C", *(f"{name}={value}" for name, value in env.items()), *words]
        folder = PurePosixPath(cwd) if cwd else None
        return self.shell.run(words, env=env, cwd=folder, timeout=timeout, on_output=on_output)

    def check(
        self,
        *argv: str | Path,
        doing: str,
        root: bool = False,
        timeout: float = 600,
        on_output: OnOutput | None = None,
        cwd: Path | None = None,
    ) -> Result:
        """Run one command that must succeed; raise HostError for a full disk, CommandError for anything else."""
        result = self.run(*argv, root=root, timeout=timeout, on_output=on_output, cwd=cwd)
        if not result.ok:
            raise disk_full(result, self.task) or failure(self.shell.name, doing, result)
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


def open_workbench(
    shell: Box,
    cache: Path,
    *,
    task: str = "bake boxes",
    programs: Sequence[str] = PROGRAMS,
    needed_mb: int | None = None,
    root: bool = True,
) -> Workbench:
    """A workbench for a task that writes into `cache`; raise HostError for a missing program, right or space.

    `task` completes "cannot ..."; `needed_mb` is by default what a bake takes; `root` says if root's right is needed.
    """
    needed_mb = NEEDED_MB if needed_mb is None else needed_mb
    missing = [name for name in programs if shutil.which(name, path=search_path()) is None]
    if missing:
        raise HostError(f"cannot {task}: {', '.join(missing)} not installed", hint="python -m lab setup")
    sudo = () if os.geteuid() == 0 or not root else ("sudo", "-n")
    if sudo and not shell.run([*sudo, "true"], timeout=20).ok:
        raise HostError(
            f"cannot {task}: only root can make a root tree with its owners and labels, and sudo wants a password",
            hint="sudo -v, then the same command again",
        )
    try:
        cache.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(cache).free // 1_000_000
    except OSError as error:
        raise HostError(f"cannot use {cache}: {error.strerror}") from error
    if free < needed_mb:
        raise HostError(
            f"cannot {task}: {free} MB free at {cache}, {needed_mb} MB are needed",
            hint="free some space there, or set LAB_CACHE to a folder on another disk",
        )
    return Workbench(shell, sudo, task)


def disk_full(result: Result, task: str) -> HostError | None:
    """The error for a command that ran out of space; None if it failed of something else."""
    if b"No space left on device" not in result.output:
        return None
    return HostError(
        f"cannot {task}: the disk is full",
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
