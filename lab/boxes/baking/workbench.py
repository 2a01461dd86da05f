"""The place where boxes and engines are made: programs, root's right, and a work folder that is removed at the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lab.boxes.base import NO_SPACE, Box, OnOutput, Result, failure
from lab.errors import CommandError, HostError, LabError

SBIN = ("/usr/sbin", "/sbin")
PROGRAMS = (
    *("mmdebstrap", "mke2fs", "mkfs.vfat", "mcopy", "syslinux", "sfdisk", "qemu-img"),
    *("apt-get", "chroot", "setpriv", "unshare", "findmnt", "tar"),
)
# A mount and a process namespace of its own: all its processes end with its first process, and that one ends with lab.
# Without it, a killed bake would leave dpkg running in a tree that is being removed (semodule ignores signals).
IN_NAMESPACE = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
NEEDED_MB = 4000  # measured: 0.6 GB for the tree, and three times 0.6 GB for each of two boxes


@dataclass(frozen=True, slots=True)
class Workbench:
    """Runs the commands of one bake; `sudo` is the prefix of commands that only root may run (empty for root)."""

    shell: Box
    sudo: tuple[str, ...] = ()
    task: str = "bake boxes"

    def run(
        self,
        *argv: str | Path,
        root: bool = False,
        timeout: float = 600,
        silence: float | None = None,
        on_output: OnOutput | None = None,
        cwd: Path | None = None,
    ) -> Result:
        """Run one command, as root if `root` is true; returns the Result whatever the exit status is."""
        words = [str(word) for word in argv]
        env = {"PATH": search_path(), "MTOOLS_SKIP_CHECK": "1"}
        if root and self.sudo:
            # sudo removes the environment, so the variables are repeated after it
            words = [*self.sudo, "env", "LC_ALL=C", *(f"{name}={value}" for name, value in env.items()), *words]
        folder = PurePosixPath(cwd) if cwd else None
        return self.shell.run(words, env=env, cwd=folder, timeout=timeout, silence=silence, on_output=on_output)

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
        """An empty folder that is removed at the end; a folder that a killed bake left is removed first."""
        self.remove(path)
        path.mkdir(parents=True)
        try:
            yield path
        finally:
            self.remove(path)

    def remove(self, path: Path) -> None:
        """Remove a work folder and root's files in it, and never delete inside a mount below it.

        Mounts there exist only in a mount namespace of their own. The check stays, because one mistake would delete
        this machine's /dev or /proc.
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
    """Return a workbench for a task that writes into `cache`; raise HostError for a missing program, right or space.

    `task` completes "cannot ..."; `needed_mb` is by default the space of a bake; `root` is true if the task needs root.
    """
    needed_mb = NEEDED_MB if needed_mb is None else needed_mb
    missing = [name for name in programs if shutil.which(name, path=search_path()) is None]
    if missing:
        raise HostError(f"cannot {task}: {', '.join(missing)} not installed", hint="python -m lab setup")
    sudo = () if os.geteuid() == 0 or not root else ("sudo", "-n")
    if sudo and not shell.run([*sudo, "true"], timeout=20).ok:
        raise HostError(
            f"cannot {task}: only root can make a root tree with its owners and labels, and sudo asks for a password",
            hint="run `sudo -v`, then the same command again",
        )
    try:
        cache.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(cache).free // 1_000_000
    except OSError as error:
        raise HostError(f"cannot use {cache}: {error.strerror}") from error
    if free < needed_mb:
        raise HostError(
            f"cannot {task}: {free} MB free at {cache}, {needed_mb} MB are necessary",
            hint="free some space there, or set LAB_CACHE to a folder on another disk",
        )
    return Workbench(shell, sudo, task)


def disk_full(result: Result, task: str) -> HostError | None:
    """The error for a command that ran out of disk space; None for any other failure."""
    if NO_SPACE not in result.output:
        return None
    return HostError(
        f"cannot {task}: the disk is full",
        hint="free some space, or set LAB_CACHE to a folder on another disk",
        output=result.output,
    )


def first(patterns: Sequence[str], what: str) -> Path:
    """Return the first file that matches one of these patterns on this machine; raise HostError if none does."""
    for pattern in patterns:
        for path in sorted(Path("/").glob(pattern.lstrip("/"))):
            return path
    raise HostError(f"cannot bake boxes: {what} is missing on this machine", hint="python -m lab setup")


def search_path() -> str:
    """PATH with /sbin and /usr/sbin, which are missing in a plain user's PATH."""
    return os.pathsep.join([os.environ.get("PATH", ""), *SBIN])


def not_done(result: Result, task: str, doing: str) -> LabError:
    """The error for a long step that failed: no space, no time, or its last lines.

    The command itself is left out: it may be a dozen lines of options.
    """
    return disk_full(result, task) or CommandError(
        f"cannot {task}: could not {doing}: {result.why_failed()}", output=result.output
    )
