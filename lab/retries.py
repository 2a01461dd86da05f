"""Attempts that are repeated: connections, downloads and questions, which change nothing where they fail.

A build or a push is never repeated: its first attempt may have changed what the second one finds.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from lab.errors import Interrupted, LabError, reason
from lab.notices import Retried, announce
from lab.workers import stopping

V = TypeVar("V")
Error = type[Exception] | tuple[type[Exception], ...]


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often, and how long lab waits in between: `first` seconds, then twice as long each time, at most `longest`.

    Each pause is shortened by a random part of up to a half, so that several boxes do not ask at the same moment.
    """

    most: int = 4
    first: float = 1.0
    longest: float = 20.0

    def pause(self, failed: int) -> float:
        """The seconds to wait after so many failed attempts."""
        return min(self.longest, self.first * 2.0 ** (failed - 1)) * random.uniform(0.5, 1.0)


USUAL = Attempts()


def attempt(
    who: str,
    what: str,
    work: Callable[[], V],
    *,
    on: Error,
    passing: Callable[[Exception], bool] = lambda error: True,
    attempts: Attempts = USUAL,
) -> V:
    """Return the value of `work`, which is called again after an error of the kinds `on` that `passing` accepts.

    Each repetition is announced as a `Retried`, which names `who` and `what`. Raises the error of the last attempt, any
    other error at once, and Interrupted if lab is stopped in between.
    """
    for failed in range(1, attempts.most + 1):
        try:
            return work()
        except on as error:
            if failed == attempts.most or stopping.is_set() or not passing(error):
                raise
            pause = attempts.pause(failed)
            why = error.message if isinstance(error, LabError) else reason(error)
            announce(Retried(who, what, failed, attempts.most, why, pause))
        if stopping.wait(pause):
            raise Interrupted(f"stopped while waiting to {what} again")
    raise AssertionError("the last attempt returns or raises")
