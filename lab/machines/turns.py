"""Turns of new machines: as many boot at once as this machine has processors and free memory for."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from lab.boxes.base import Tell
from lab.counting import counted
from lab.errors import Interrupted
from lab.model import Progress
from lab.workers import stopping

LOOK_SECONDS = 1.0  # memory that another program frees is seen after this time


def free_memory() -> int:
    """The megabytes that programs can have without swapping."""
    return int(psutil.virtual_memory().available >> 20)


class Turns:
    """The machines of one `up` that boot now.

    An emulated boot keeps a processor busy for a minute. Where more boot at once than there are processors, each takes
    as much longer, and the last of them seems to be dead.
    """

    def __init__(self, tell: Tell, cores: int | None = None, free: Callable[[], int] = free_memory) -> None:
        self.tell = tell
        self.cores = cores or os.cpu_count() or 1
        self.free = free
        self._booting: dict[str, int] = {}
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, name: str, megabytes: int) -> Iterator[None]:
        """Wait until the machine of this name can boot, which takes so much memory, and keep its place in the context.

        The only one that boots always can. Raises Interrupted after Ctrl-C.
        """
        said = False
        with self._changed:
            while why := self._obstacle(megabytes):
                if stopping.is_set():
                    raise Interrupted(f"stopped while {name} waited for its turn to boot")
                if not said:
                    self.tell(Progress(name, f"waits for its turn to boot: {why}"))
                    said = True
                self._changed.wait(LOOK_SECONDS)
            self._booting[name] = megabytes
        try:
            yield
        finally:
            with self._changed:
                del self._booting[name]
                self._changed.notify_all()

    def _obstacle(self, megabytes: int) -> str | None:
        """What keeps one more machine from booting now; None if it can."""
        if not self._booting:
            return None
        if len(self._booting) >= self.cores:
            return f"{counted(len(self._booting), 'box', 'boxes')} at once on {counted(self.cores, 'processor')}"
        free = self.free() - sum(self._booting.values())
        return f"it takes {megabytes} MB of memory, and {max(0, free)} MB are free" if free < megabytes else None
