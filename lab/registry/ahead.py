"""Lab's own registry, started while the boxes of a run are brought up, so that the run need not wait for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab.boxes.base import Box, Tell
from lab.registry.ports import is_taken_on
from lab.registry.server import PROGRAMS, Registry, serve
from lab.workers import Background


class Ahead:
    """A registry that a thread starts; `close` ends it.

    `port` and `state` are those of `server.serve`. It is a try: where a program of this machine does not start, or a
    box has something else on its port, `serving` starts another one as `serve` does, which also raises the errors.
    """

    def __init__(self, port: int | None, tell: Tell, state: Path) -> None:
        self._port = port
        self._tell = tell
        self._state = state
        self._stack = ExitStack()
        self._found: Registry | None = None
        has_program = any(map(shutil.which, PROGRAMS))  # a container or a program in a box needs more than a moment
        self._job = Background("registry", self._start) if has_program else None

    def _start(self) -> None:
        self._found = self._stack.enter_context(serve(None, self._port, self._tell, store=self._state))

    @contextmanager
    def serving(self, boxes: Sequence[Box]) -> Iterator[Registry]:
        """The registry for the time of the context, on a port that is free on these boxes; errors as `serve` has."""
        if self._job is not None:
            self._job.settle()
        found = self._found
        others = [box for box in boxes if not box.is_here]  # on this machine, it is the registry itself that listens
        if found is not None and (self._port or found.port is None or not is_taken_on(others, found.port)):
            yield found
            return
        self.close()
        with serve(None, self._port, self._tell, store=self._state, boxes=boxes) as registry:
            yield registry

    def close(self) -> None:
        """End the registry, if it was started; harmless if it has ended."""
        try:
            if self._job is not None:
                self._job.settle()
        finally:
            self._found = None
            self._stack.close()
