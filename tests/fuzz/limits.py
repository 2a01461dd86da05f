"""What one call of a parser may do: end with a result or an error of lab, in bounded time, with bounded memory.

The time is that of the processor, so it does not depend on what else the machine does. It only ends a call that would
not end by itself: 1 MB takes no parser of lab more than a few seconds.
"""

from __future__ import annotations

import gc
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

HANG_SECONDS = 90.0  # of the processor, for one call
BYTES_PER_BYTE = 400  # of memory, for one byte of input
SPARE = 4 << 20  # bytes of memory for any input: caches of modules that are imported at the first call


class HangError(BaseException):
    """A call takes too much time; no parser catches this."""


def _end(number: int, frame: FrameType | None) -> None:
    raise HangError


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    before = signal.signal(signal.SIGVTALRM, _end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def call_in_time(function: Callable[[], object], seconds: float = HANG_SECONDS) -> None:
    """Call the function; AssertionError if it takes more than these seconds of the processor."""
    try:
        with _limited(seconds):
            function()
    except HangError as error:
        raise AssertionError(f"it does not end within {seconds:g} s of processor time") from error


def peak_of(function: Callable[[], object]) -> int:
    """Call the function and return the largest number of bytes that it held at one time."""
    gc.collect(0)
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
