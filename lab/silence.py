"""Limits on silence: a wait may take long, but it ends when nothing has come for a time.

Half of that time without a sign gives a notice (`lab.notices`). LAB_SILENCE=SECONDS in the environment raises every
limit that is lower.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from lab.notices import Silent, announce

OnOutput = Callable[[str, bytes], None]
VARIABLE = "LAB_SILENCE"
LONGER = f"{VARIABLE}=SECONDS in the environment lets lab wait longer"  # for hints
OUTPUT = 600.0  # seconds without output of a build, which may run one quiet command
LONGEST = 1_000_000.0  # seconds (11 days) that LAB_SILENCE can ask for: no timer takes any number
TRANSFER = 60.0  # seconds without a byte of a transfer
CONSOLE = 120.0  # seconds without a line of a program that reports its progress


def allowed(seconds: float) -> float:
    """The limit in seconds, or that of LAB_SILENCE if it is higher; a value that is no number of seconds is ignored."""
    try:
        asked = float(os.environ.get(VARIABLE, ""))
    except ValueError:
        return seconds
    return max(seconds, min(asked, LONGEST)) if math.isfinite(asked) else seconds


class Silence:
    """The time since the last sign of one part; safe to use from several threads.

    `who` is the part in notices, `sign` names what is waited for ("output"), and `limit` is in seconds.
    """

    def __init__(
        self, who: str, sign: str, limit: float, clock: Callable[[], float] = time.monotonic, *, fixed: bool = False
    ) -> None:
        self.who = who
        self.sign = sign
        self.limit = limit if fixed else allowed(limit)
        self.ended = False
        self._clock = clock
        self._last = clock()
        self._warned = False

    def heard(self) -> None:
        """Take a sign: the time starts again."""
        self._last, self._warned = self._clock(), False

    def hearing(self, on_output: OnOutput | None) -> OnOutput:
        """The listener to a program's output that also takes each chunk as a sign."""

        def hear(name: str, data: bytes) -> None:
            self.heard()
            if on_output:
                on_output(name, data)

        return hear

    def feeding(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The input of a program, of which each chunk that it took is a sign."""
        for chunk in chunks:
            yield chunk
            self.heard()

    @property
    def until_look(self) -> float:
        """The seconds until `is_over` may have something new to say, at least a small part of the limit."""
        spent = self._clock() - self._last
        next_event = self.limit if self._warned else self.limit / 2
        return max(next_event - spent, min(self.limit / 100, 0.05))

    def is_over(self) -> bool:
        """True if the limit has passed without a sign; gives a notice, once, when half of it has passed."""
        spent = self._clock() - self._last
        if spent >= self.limit:
            return True
        if spent >= self.limit / 2 and not self._warned:
            self._warned = True
            announce(Silent(self.who, self.sign, spent, self.limit))
        return False

    @contextmanager
    def watched(self, end: Callable[[], None]) -> Iterator[None]:
        """Call `end` from another thread, and set `ended` before, if the limit passes within the context."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(self.until_look):
                if self.is_over():
                    self.ended = True
                    end()
                    return

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
