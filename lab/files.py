"""Write files completely or not at all, and hold names for one process at a time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

from lab.errors import BusyError, ConfigError, HostError, Interrupted
from lab.notices import Queued, announce

LOOK_SECONDS = 0.2  # between two attempts to take a lock
GIVEN = re.compile(r"/dev/(stdin|null|fd/\d+)|/proc/[^/]+/fd/\d+")  # what the shell has opened, and an empty file
COPYING = re.compile(r"\[Errno (\d+)\]")
patient = threading.Event()  # set by `lab --wait`


@dataclass(frozen=True, slots=True)
class Holder:
    """The lab process that holds a name: its verb, its id, when it took the name (ISO 8601), and its workplace."""

    verb: str
    pid: int
    started: str
    place: str
    version: int = 1

    @classmethod
    def me(cls, verb: str, state: Path) -> Holder:
        """This process, which holds a name of the state or the cache in this folder."""
        folder = state.absolute()
        place = str(folder.parent) if folder.name == ".lab" else os.environ.get("PWD", str(folder))
        return cls(verb, os.getpid(), datetime.now().astimezone().isoformat(timespec="seconds"), place)

    def seen_from(self, other: Holder) -> str:
        """The process in words, with the time of day of this machine; with date and place where they are different."""
        since = datetime.fromisoformat(self.started).astimezone()
        today = since.date() == datetime.now().astimezone().date()
        when = f"{since:{'%H:%M' if today else '%Y-%m-%d %H:%M'}}"
        where = "" if self.place == other.place else f", in {self.place}"
        return f"`lab {self.verb}` (process {self.pid}, since {when}{where})"


def holder_of(path: Path) -> Holder | None:
    """Who wrote a lock file; None if that is not known: it is just being written, or its writer has ended."""
    try:
        found = Holder(**json.loads(path.read_text(encoding="utf-8")))
        datetime.fromisoformat(found.started).astimezone()
    except (OSError, ValueError, TypeError, OverflowError):
        return None
    try:
        os.kill(found.pid, 0)
    except PermissionError:  # another user's process
        return found
    except (OSError, TypeError, OverflowError):
        return None
    return found


def open_plain(path: Path, *, follow: bool = True) -> BufferedReader:
    """Open a plain file to read it; OSError for a device, a pipe or a folder, and for a link unless `follow` is true.

    Reading a pipe that lies in a folder could wait for ever: nobody may write to it.
    """
    _check_plain(path.stat(follow_symlinks=follow).st_mode, path)  # opening a device can already act
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    file = os.fdopen(os.open(path, flags), "rb")
    try:
        _check_plain(os.fstat(file.fileno()).st_mode, path)  # it was exchanged
    except OSError:
        file.close()
        raise
    return file


def _check_plain(mode: int, path: Path) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a plain file", str(path))


def read_plain(path: Path, most: int = -1, *, follow: bool = True) -> bytes:
    """The first `most` bytes of a plain file, or all; OSError as from `open_plain`."""
    with open_plain(path, follow=follow) as file:
        return file.read(most)


def open_named(path: Path) -> BufferedReader:
    """Open the file that a user has named to read it once; OSError as from `open_plain`.

    A pipe that this process got from its shell can be read too: /dev/stdin, and a process substitution `<(...)`.
    """
    if GIVEN.fullmatch(str(path.absolute())):
        return path.open("rb")
    return open_plain(path)


def read_named(path: Path, most: int) -> bytes:
    """The first `most` bytes of the file that a user has named; OSError as from `open_plain`."""
    with open_named(path) as file:
        return file.read(most)


def write(path: Path, content: str | bytes, *, mode: int = 0o666, follow: bool = True) -> None:
    """Replace `path` by text (in UTF-8) or bytes through a temporary file beside it; HostError if the write fails.

    The file is created with `mode` less the umask, so that no other user can read a secret while it is written.
    A reader sees the old content or the new one, also after a power cut. A link is followed. A path that is not a
    plain file (/dev/stdout, a pipe) is written to directly, because it must not be replaced by a file. Without
    `follow`, a link or a pipe is itself replaced by the file: for folders that may come from somebody else.
    """
    try:
        if follow and path.is_symlink():
            path = Path(os.path.realpath(path))
        special = follow and path.exists() and not path.is_file() and not path.is_dir()
    except OSError as error:  # a folder above it that may not be searched, a name that is too long, a loop of links
        raise disk_error(path, error) from error
    if special:
        _write_into(path, content)
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        # a new file of this user: in a folder such as /tmp, another user could have put a link or a file there
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, mode)) as out:
            out.write(content.encode() if isinstance(content, str) else content)
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # the folder itself may be read-only
            part.unlink(missing_ok=True)
        raise disk_error(path, error) from error


def opened_plain(path: str | Path, flags: int, mode: int = 0o666) -> int:
    """Open a file that is no link, and do not wait for the other end of a pipe: an opener for `open`."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, mode)


def read_unlinked(path: Path) -> bytes:
    """Read a plain file of a folder that may come from somebody else; ConfigError for a link, a pipe or a device.

    Raises OSError if the file cannot be read.
    """
    refused = f"cannot read {path}: it is not a plain file"
    if path.is_symlink():
        raise ConfigError(f"{refused} but a link", hint="put the file itself there")
    with open(path, "rb", opener=opened_plain) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ConfigError(refused)
        return file.read()


def private_folder(path: Path) -> None:
    """Make a folder that only this user can enter, or take others' rights to one that exists; HostError if refused."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise disk_error(path, error) from error


def _write_into(path: Path, content: str | bytes) -> None:
    try:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise disk_error(path, error) from error


def at_home(text: str) -> Path:
    """A path whose ~ is replaced by the user's home folder, where one is known."""
    try:
        return Path(text).expanduser()
    except (RuntimeError, ValueError):  # no home folder is known, or the text has a NUL
        return Path(text)


def is_folder(path: Path) -> bool:
    """True for a folder; False also where the system refuses to say: the attempt to use the path names the reason."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_file(path: Path) -> bool:
    """True for a plain file; False also where the system refuses to say."""
    try:
        return path.is_file()
    except OSError:
        return False


def disk_error(path: Path | str, error: OSError) -> HostError:
    """The HostError for a failed write; it names a full disk as the cause where that is so."""
    number, why = error.errno, error.strerror
    if isinstance(error, shutil.Error):  # of copytree: a list of (source, target, "[Errno 28] No space left on device")
        found = COPYING.search(str(error))
        number, why = (int(found[1]), os.strerror(int(found[1]))) if found else (None, "some files cannot be copied")
    hint = "free some space there, then run the command again" if number == errno.ENOSPC else None
    return HostError(f"cannot write {path}: {why or error}", hint=hint)


@contextmanager
def hold(state: Path, names: list[str], verb: str, *, wait: bool | None = None) -> Iterator[None]:
    """Hold these names (boxes, recipes) for this process. The kernel keeps the lock of each (flock) until it ends.

    While another process holds one, this one waits for it and announces for whom, if `wait` is true; if it is false, a
    BusyError names the holder. By default it waits if `patient` is set. Names are taken in order, so that two processes
    never wait for each other.
    """
    folder = state / "locks"
    may_wait = patient.is_set() if wait is None else wait
    with ExitStack() as stack:
        for name in sorted(set(names)):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                lock = stack.enter_context(open(folder / name, "a+", encoding="utf-8", opener=opened_plain))
            except OSError as error:
                raise disk_error(folder / name, error) from error
            _take(lock, name, Holder.me(verb, state), wait=may_wait)
            # on a full disk the name is held all the same, and only its holder is not known
            with contextlib.suppress(OSError):
                lock.truncate(0)
                os.write(lock.fileno(), json.dumps(asdict(Holder.me(verb, state))).encode())
        yield


def _take(lock: IO[str], name: str, me: Holder, *, wait: bool) -> None:
    """Lock the file, now or once its holder lets it go."""
    from lab.workers import stopping  # late: psutil takes a while, which `lab --help` need not spend

    shown = ""
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = holder_of(Path(lock.name))
        who = holder.seen_from(me) if holder else "another lab"
        if not wait:
            hint = f"`python -m lab --wait {me.verb} ...` waits until it ends"
            raise BusyError(f"cannot use {name}: {who} holds it", hint=hint)
        if who != shown:
            announce(Queued(name, who))
            shown = who
        if stopping.wait(LOOK_SECONDS):
            raise Interrupted(f"stopped while waiting for {name}")


def lock_while_open(file: IO[Any]) -> None:
    """Lock a file until it is closed or this process ends; a file system without locks leaves it unlocked."""
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_open(path: Path) -> bool:
    """True while some process has the file open and locked (`lock_while_open`)."""
    try:
        with open(path, "rb", opener=opened_plain) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
