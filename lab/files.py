"""Write files completely or not at all, and hold names for one process at a time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from lab.errors import BusyError, HostError


def write(path: Path, content: str | bytes) -> None:
    """Replace `path` by text (in UTF-8) or bytes through a temporary file beside it; HostError if the write fails.

    A reader sees the old content or the new one, also after a power cut. A link is followed. A path that is not a
    plain file (/dev/stdout, a pipe) is written to directly, because it must not be replaced by a file.
    """
    try:
        if path.is_symlink():
            path = Path(os.path.realpath(path))
        special = path.exists() and not path.is_file() and not path.is_dir()
    except OSError as error:  # a folder above it that may not be searched, a name that is too long, a loop of links
        raise disk_error(path, error) from error
    if special:
        _write_into(path, content)
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as out:
            out.write(content.encode() if isinstance(content, str) else content)
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # the folder itself may be read-only
            part.unlink(missing_ok=True)
        raise disk_error(path, error) from error


def _write_into(path: Path, content: str | bytes) -> None:
    try:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise disk_error(path, error) from error


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


def disk_error(path: Path, error: OSError) -> HostError:
    """The HostError for a failed write; it names a full disk as the cause where that is so."""
    hint = "free some space there, then run the command again" if error.errno == errno.ENOSPC else None
    return HostError(f"cannot write {path}: {error.strerror or error}", hint=hint)


@contextmanager
def hold(state: Path, names: list[str], verb: str) -> Iterator[None]:
    """Hold these names (boxes, recipes) for this process; raise a BusyError that names the holder if one is held.

    The kernel keeps the lock (flock). It ends with the process, so a crash leaves no lock.
    """
    folder = state / "locks"
    with ExitStack() as stack:
        for name in sorted(set(names)):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                lock = stack.enter_context((folder / name).open("a+", encoding="utf-8"))
            except OSError as error:
                raise disk_error(folder / name, error) from error
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _busy(name, lock.name) from None
            lock.truncate(0)
            lock.write(json.dumps({"pid": os.getpid(), "verb": verb}))
            lock.flush()
        yield


def lock_while_open(file: IO[Any]) -> None:
    """Lock a file until it is closed or this process ends; a file system without locks leaves it unlocked."""
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_open(path: Path) -> bool:
    """True while some process has the file open and locked (`lock_while_open`)."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _busy(name: str, path: str) -> BusyError:
    try:
        holder = json.loads(Path(path).read_text(encoding="utf-8"))
        who = f"`lab {holder['verb']}` (process {holder['pid']})"
    except (ValueError, KeyError, TypeError, RecursionError, OSError):
        who = "another lab"
    return BusyError(f"cannot use {name}: {who} holds it", hint="wait until it ends, or stop it with Ctrl-C")
