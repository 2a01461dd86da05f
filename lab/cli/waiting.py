"""Notices on standard error while something takes longer than two seconds."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from lab.cli.terminal import harmless, remark, rewritable, say, width
from lab.notices import Notice

PATIENCE = 2.0  # seconds without a notice
AGAIN = 10.0  # seconds between two lines on what is no terminal
CLEAR = "\r\x1b[K"
screens: set[object] = set()  # those that are open, which show notices themselves


def speak(notice: Notice) -> None:
    """Print a notice on a line of standard error, unless a screen shows it."""
    if not screens:
        remark(f"{notice.who}: {notice.text}")


@contextmanager
def waiting_for(what: str, patience: float = PATIENCE) -> Iterator[None]:
    """Print one line if the body takes longer than `patience` seconds."""
    timer = threading.Timer(patience, lambda: say(f"lab: still {what}", err=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Notices:
    """Prints what a long search does: on a terminal on one line that changes, elsewhere a line now and then."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock() + PATIENCE
        self._shown = False

    def show(self, text: str) -> None:
        """Print the text if it is time for it."""
        if rewritable(sys.stderr):
            # the code that clears the line is no colour: it stays whatever is asked of colours
            click.echo(f"{CLEAR}{harmless(text)[: width() - 1]}", nl=False, err=True, color=True)
            self._shown = True
        elif self._clock() >= self._next:
            say(f"lab: {text}", err=True)
            self._next = self._clock() + AGAIN

    def end(self) -> None:
        """Clear the line."""
        if self._shown:
            click.echo(CLEAR, nl=False, err=True, color=True)
            self._shown = False
