"""Ctrl-C, SIGTERM and SIGHUP as one exception that is not lost; imported before anything that takes time."""

from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType
from typing import Any, NoReturn

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN_SECONDS = 0.01  # until a lost signal comes once more
AFTER_SECONDS = 1.0  # for so long after a signal an error of a library may be what it made of it
_last: tuple[float, Stop] | None = None


class Stop(KeyboardInterrupt):
    """Ends lab as Ctrl-C does; its text is the signal's name, and empty for Ctrl-C.

    A class of its own: after a plain KeyboardInterrupt within `exec`, as of a module's dataclass, Python ends the
    process by SIGINT whatever its exit code, even if the exception was caught. `number` is that of the signal.
    """

    def __init__(self, text: str, number: int) -> None:
        super().__init__(text)
        self.number = number


def install() -> None:
    """Let the signals raise Stop; one that is ignored, as nohup does with SIGHUP, stays so."""
    for number in ENDING:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, interrupt)
    sys.unraisablehook = repeat


def release() -> None:
    """Let the next signal end the process at once: from here on Python only takes itself down."""
    for number in ENDING:
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)


def interrupt(number: int, _: FrameType | None) -> None:
    """Raise Stop. A cancelled CI job sends SIGTERM."""
    stop("" if number == signal.SIGINT else signal.Signals(number).name, number)


def stop(text: str, number: int) -> NoReturn:
    """Raise Stop for a signal of this number, and remember it for `just_stopped`."""
    global _last
    _last = time.monotonic(), Stop(text, number)
    raise _last[1]


def repeat(lost: Any) -> None:
    """Send a signal again whose exception no caller can get; for any other such exception, what Python does.

    It was raised in a callback: importlib calls one after each import, and pydantic one while it compiles a pattern,
    which it then leaves half made.
    """
    if isinstance(lost.exc_value, Stop):
        main = threading.main_thread().ident or 0  # a signal for the process could leave it in a wait
        timer = threading.Timer(AGAIN_SECONDS, signal.pthread_kill, (main, lost.exc_value.number))
        timer.daemon = True
        timer.start()
    else:
        sys.__unraisablehook__(lost)


def just_stopped() -> Stop | None:
    """The signal that came a moment ago, of which a library may have made an error of its own."""
    return _last[1] if _last and time.monotonic() - _last[0] < AFTER_SECONDS else None
