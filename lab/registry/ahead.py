"""Lab's own registry, started while the boxes of a run are brought up, so that the run need not wait for it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from lab.boxes.base import Box, Tell
from lab.registry.ports import is_taken_on
from lab.registry.server import PROGRAMS, Registry, serve
from lab.workers import Background, stopping


class Ahead:
    """A registry that a thread starts, and that others show to each box once it is reached; `close` ends it.

    `port` and `state` are those of `server.serve`. It is a try: where a program of this machine does not start, or a
    box has something else on its port, `serving` starts another one as `serve` does, which also raises the errors.
    """

    def __init__(self, port: int | None, tell: Tell, state: Path) -> None:
        self._port = port
        self._tell = tell
        self._state = state
        self._stack = ExitStack()
        self._found: Registry | None = None
        self._serves = threading.Event()  # or does not start
        self._closed = False
        self._guard = threading.Lock()
        self._wanted: set[str] = set()  # the boxes whose forward was begun
        self._shown: set[str] = set()  # those whose forward is open
        has_program = any(map(shutil.which, PROGRAMS))  # a container or a program in a box needs more than a moment
        self._jobs = [Background("registry", self._start)] if has_program else []

    def _start(self) -> None:
        try:
            self._found = self._stack.enter_context(serve(None, self._port, self._tell, store=self._state))
        finally:
            self._serves.set()

    def show_to(self, box: Box) -> None:
        """Let a thread open the forward from this box, which must be reached; its errors come where it is needed."""
        if self._jobs and not box.is_here:
            self._wanted.add(box.name)
            self._jobs.append(Background(f"forward from {box.name}", partial(self._show, box)))

    def _show(self, box: Box) -> None:
        while not self._serves.wait(0.2):
            if stopping.is_set():
                return
        if self._found is None or self._found.port is None:
            return
        door = ExitStack()
        door.enter_context(box.registry_door(self._found.port, self._found.port))
        with self._guard:
            if not self._closed:
                self._stack.push(door.pop_all())
                self._shown.add(box.name)
        door.close()  # only if nobody waits for it any more

    @contextmanager
    def serving(self, boxes: Sequence[Box]) -> Iterator[Registry]:
        """The registry for the time of the context, on a port that is free on these boxes; errors as `serve` has."""
        for job in self._jobs:
            job.settle()
        found = self._found
        if found is not None and (self._port or found.port is None or self._is_free(boxes, found.port)):
            yield replace(found, shown=frozenset(self._shown))
            return
        self.close()
        with serve(None, self._port, self._tell, store=self._state, boxes=boxes) as registry:
            yield registry

    def _is_free(self, boxes: Sequence[Box], port: int) -> bool:
        """True if nothing else listens on the port of these boxes; of this machine, `serve` knows that."""
        others = [box for box in boxes if not box.is_here and box.name not in self._shown]
        return not any(box.name in self._wanted for box in others) and not is_taken_on(others, port)

    def close(self) -> None:
        """End the registry and its forwards, if they were started; harmless if they have ended."""
        with ExitStack() as ending:
            ending.callback(self._end)
            for job in self._jobs:
                ending.callback(job.settle)

    def _end(self) -> None:
        with self._guard:
            self._closed = True
            self._found = None
            self._shown.clear()
        self._stack.close()
