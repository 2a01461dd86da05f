"""Notices of waiting: a part is silent, an attempt is repeated, or another lab holds a name. Listeners receive them.

A wait happens deep in a door to a program, a box or a server, where nobody knows the screen. The screen, the record of
a run and the program listen here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing has come from `who` for `seconds`, and lab stops waiting after `limit` seconds.

    `sign` names what is missing, such as output.
    """

    who: str
    sign: str
    seconds: float
    limit: float

    @property
    def text(self) -> str:
        """The notice in words."""
        return f"no {self.sign} for {self.seconds:.0f} s; lab stops waiting after {self.limit:.0f} s"


@dataclass(frozen=True, slots=True)
class Retried:
    """An attempt at `what` of `who` failed, and lab makes the next one after `pause` seconds.

    `attempt` is the number of the attempt that failed, of `most`; `why` is its error.
    """

    who: str
    what: str
    attempt: int
    most: int
    why: str
    pause: float

    @property
    def text(self) -> str:
        """The notice in words."""
        return f"{self.what} again in {self.pause:.1f} s (attempt {self.attempt + 1} of {self.most}): {self.why}"


@dataclass(frozen=True, slots=True)
class Queued:
    """Another lab process holds the name `who`; `holder` describes that process."""

    who: str
    holder: str

    @property
    def text(self) -> str:
        """The notice in words."""
        return f"waiting for {self.holder}"


Notice = Silent | Retried | Queued
Listener = Callable[[Notice], None]
_listeners: list[Listener] = []
_lock = threading.Lock()


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let the listener receive every notice within the context, from any thread; it must return at once."""
    with _lock:
        _listeners.append(listener)
    try:
        yield
    finally:
        with _lock:
            _listeners.remove(listener)


@contextmanager
def listening_here(listener: Listener) -> Iterator[None]:
    """Let the listener receive the notices of this thread alone: other threads may work for somebody else."""
    own = threading.get_ident()

    def hear(notice: Notice) -> None:
        if threading.get_ident() == own:
            listener(notice)

    with listening(hear):
        yield


def announce(notice: Notice) -> None:
    """Give a notice to every listener."""
    with _lock:
        listeners = list(_listeners)
    for listener in listeners:
        listener(notice)
