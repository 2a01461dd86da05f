"""Keeps what all checkouts use of libvirt while a machine is made: base images, the network, and the daemons.

vagrant-libvirt makes the network, uploads a base image once for all checkouts and users of this machine, and then makes
a disk that is based on it. Until the machine is defined, nothing in libvirt shows that they are needed.
"""

from __future__ import annotations

import fcntl
import os
import re
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
UPLOADS = 900  # seconds for the uploads of one image by several others, of which only the first one copies it
# Of the machine, as libvirt's pool is; the variable is for tests, whose pool is another one.
LOCK = Path(os.environ.get("LAB_LOCK_FOLDER", "/run/lock"), "lab-base-images")


@contextmanager
def machines_begin(path: Path = LOCK) -> Iterator[None]:
    """Keep every other lab from removing what machines need; several may do so at once. It waits while one removes it.

    On a machine where the lock cannot be made, nothing is kept.
    """
    with ExitStack() as stack:
        if lock := _opened(path):
            holder = "another lab, which removes what machines need,"
            _wait_for(stack.enter_context(lock), fcntl.LOCK_SH, path.name, holder, SECONDS)
        yield


@contextmanager
def upload_turn(image: str, folder: Path = LOCK.parent) -> Iterator[None]:
    """Let one machine at a time upload an image of this name to libvirt's pool, from any checkout.

    A second Vagrant would see the volume before it is whole, and make a disk that is based on a part of it.
    """
    path = folder / f"lab-upload-{re.sub('[^A-Za-z0-9._-]+', '-', image)[:100]}"
    with ExitStack() as stack:
        if lock := _opened(path):
            holder = "another machine, which uploads the same image,"
            _wait_for(stack.enter_context(lock), fcntl.LOCK_EX, image, holder, UPLOADS)
        yield


def _wait_for(lock: IO[str], way: int, name: str, holder: str, seconds: float) -> None:
    """Lock it; after so many seconds go on without it, because anybody may hold it for ever."""
    end, said = time.monotonic() + seconds, False
    while time.monotonic() < end:
        with suppress(BlockingIOError):
            fcntl.flock(lock, way | fcntl.LOCK_NB)
            return
        if not said:
            announce(Queued(name, holder))
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
