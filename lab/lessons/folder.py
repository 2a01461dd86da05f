"""The student's folder of a lesson: its parts, how it is made, and whether it is as it was made."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.errors import UsageError
from lab.files import disk_error

EXERCISE, CLIENT = "exercise", "docker"
TIME = 1_577_836_800  # seconds: the time of every file of a new exercise, 2020-01-01 UTC
Described = tuple[str, int, bytes]


@dataclass(frozen=True, slots=True)
class StudentFolder:
    """The folder of one student for one lesson."""

    home: Path

    @property
    def exercise(self) -> Path:
        """The build context that the student edits."""
        return self.home / EXERCISE

    @property
    def client(self) -> Path:
        """The program that calls the client of the lesson's engine."""
        return self.home / CLIENT


def copy_start(source: Path, target: Path) -> None:
    """Make a new folder like `source`: modes 0644 and 0755 whatever the umask is, one time for all files.

    Links are copied as links. Raises HostError if the disk refuses.
    """
    try:
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        for path in [target, *target.rglob("*")]:
            if not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if executable else 0o644)
            os.utime(path, (TIME, TIME), follow_symlinks=False)
    except OSError as error:
        raise disk_error(target, error) from error


def give_to_owner(home: Path) -> None:
    """Let the user who called sudo own the student's folder: lab runs as root, and the student edits as that user."""
    words = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if os.geteuid() != 0 or not all(word.isdigit() for word in words):
        return
    user, group = map(int, words)
    above = [home.parent] if home.parent.stat().st_uid == 0 and list(home.parent.iterdir()) == [home] else []
    for path in [*above, home, *home.rglob("*")]:
        os.chown(path, user, group, follow_symlinks=False)


def is_unchanged(folder: Path, start: Path) -> bool:
    """True if the folder has what the start has: names, kinds, modes and bytes; times and owners do not count."""
    return dict(_described(folder)) == dict(_described(start))


def signature(folder: Path) -> dict[str, tuple[int, int, int, int]]:
    """What changes when somebody saves a file: inode, size, mode and time of each object, by its path."""
    found = {}
    for top, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(top, name)
            try:
                state = path.lstat()
            except OSError:  # an editor has just replaced it
                continue
            found[str(path)] = (state.st_ino, state.st_size, state.st_mode, state.st_mtime_ns)
    return found


def need_new(home: Path) -> None:
    """Raise UsageError if something is at the place of a new student's folder that lab has not made."""
    if home.is_dir() and not any(home.iterdir()):
        return
    if os.path.lexists(home):
        raise UsageError(
            f"cannot start the lesson in {home}: it exists, and lab has not made it", hint="name another one with --to"
        )


def _described(folder: Path) -> Iterator[tuple[str, Described]]:
    for top, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(top, name)
            mode = path.lstat().st_mode
            content = b""
            if stat.S_ISLNK(mode):
                content = os.fsencode(path.readlink())
            elif stat.S_ISREG(mode):
                content = path.read_bytes()
            yield str(path.relative_to(folder)), (stat.filemode(mode)[:1], stat.S_IMODE(mode), content)
