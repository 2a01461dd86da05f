"""Waiting, once for the whole lab: it names what it waits for and says what it last saw."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from lab.errors import Interrupted, LabError

V = TypeVar("V")

stopping = threading.Event()  # set on Ctrl-C: every wait in every thread ends within one step


def wait_for(
    what: str,
    look: Callable[[], V | str],
    *,
    timeout: float,
    every: float = 0.5,
    error: type[LabError] = LabError,
    hint: str | None = None,
    detail: Callable[[], str] = str,
) -> V:
    """Call `look` until it returns something that is no string; a string says what was seen instead.

    `timeout` and `every` are seconds. Raises `error` "cannot wait any longer for <what>: <last seen>" with the
    text of `detail()` as its output, and Interrupted when `stopping` is set.
    """
    deadline = time.monotonic() + timeout
    while True:
        seen = look()
        if not isinstance(seen, str):
            return seen
        if time.monotonic() >= deadline:
            raise error(f"cannot wait longer than {timeout:g} s for {what}: {seen}", hint=hint, output=detail())
        if stopping.wait(every):
            raise Interrupted(f"stopped while waiting for {what}")
