"""Keeps what all checkouts use of libvirt while a machine is made: base images, the network, and the daemons.

vagrant-libvirt makes the network, uploads a base image once for all checkouts and users of this machine, and then makes
a disk that is based on it. Until the machine is defined, nothing in libvirt shows that they are needed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

# Of the machine, as libvirt's pool is; the variable is for tests, whose pool is another one.
LOCK = Path(os.environ.get("LAB_LOCK_FOLDER", "/run/lock"), "lab-base-images")


@contextmanager
def machines_begin(path: Path = LOCK) -> Iterator[None]:
    """Keep every other lab from removing what machines need; several may do so at once. It waits while one removes it.

    On a machine where the lock cannot be made, nothing is kept.
    """
    with ExitStack() as stack:
        if lock := _opened(path):
            fcntl.flock(stack.enter_context(lock), fcntl.LOCK_SH)
        yield


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
    """The lock, which may be another user's: to read it is enough."""
    for mode in ("r", "a"):
        try:
            return path.open(mode, encoding="utf-8")
        except OSError:
            continue
    return None
