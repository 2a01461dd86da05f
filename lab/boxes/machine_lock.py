"""Keeps what all checkouts use of libvirt while a machine is made: base images, the network, and the daemons.

vagrant-libvirt makes the network, uploads a base image once for all checkouts and users of this machine, and then makes
a disk that is based on it. Until the machine is defined, nothing in libvirt shows that they are needed.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from lab.errors import Interrupted
from lab.files import LOOK_SECONDS
from lab.notices import Queued, announce
from lab.workers import stopping

SECONDS = 60  # to remove an image takes seconds
# Of the machine, as libvirt's pool is; the variable is for tests, whose pool is another one.
LOCK = Path(os.environ.get("LAB_LOCK_FOLDER", "/run/lock"), "lab-base-images")


@contextmanager
def machines_begin(path: Path = LOCK) -> Iterator[None]:
    """Keep every other lab from removing what machines need; several may do so at once. It waits while one removes it.

    On a machine where the lock cannot be made, nothing is kept.
    """
    with ExitStack() as stack:
        if lock := _opened(path):
            _share(stack.enter_context(lock), path.name)
        yield


def _share(lock: IO[str], name: str) -> None:
    """Lock it together with others; after SECONDS go on without it, because anybody may hold it for ever."""
    end, said = time.monotonic() + SECONDS, False
    while time.monotonic() < end:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return
        if not said:
            announce(Queued(name, "another lab, which removes what machines need,"))
            said = True
        if stopping.wait(LOOK_SECONDS):
            raise Interrupted(f"stopped while waiting for {name}")


@contextmanager
def no_machine_begins(path: Path = LOCK) -> Iterator[bool]:
    """True if no lab makes a machine now, and none begins to before the context ends."""
    with ExitStack() as stack:
        lock = _opened(path)
        if lock is None:
            yield True
            return
        try:
            fcntl.flock(stack.enter_context(lock), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _opened(path: Path) -> IO[str] | None:
    """The lock, which may be another user's: to read it is enough. None for a link, a pipe or a device in its place."""
    for flags in (os.O_RDONLY, os.O_RDONLY | os.O_CREAT):
        with suppress(OSError):
            number = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
            if stat.S_ISREG(os.fstat(number).st_mode):
                return os.fdopen(number, encoding="utf-8")
            os.close(number)
            return None
    return None
