"""`--time-limit`: a run ends in order when its time is over."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from lab.errors import Interrupted, LabError, TimeLimitError
from lab.signals import just_stopped, stop

PARTS = re.compile(r"(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s?)?")
LONGEST = 366 * 24 * 3600


class Duration(click.types.StringParamType):
    """A duration such as 90, 90s, 10m or 1h30m, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The seconds of a word; a usage error for another form, for 0, and for more than a year."""
        found = PARTS.fullmatch(value) if value.isascii() else None
        hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found and value else (0, 0, 0)
        total = hours * 3600 + minutes * 60 + seconds
        if not 0 < total <= LONGEST:
            self.fail(f"{value!r} is not a duration such as 90s, 10m or 1h30m.", param, ctx)
        return total


@contextmanager
def time_limit(seconds: int | None) -> Iterator[None]:
    """End what happens in the context after so many seconds, in the way in which Ctrl-C ends it.

    It then raises TimeLimitError with the hint of the interruption. Without a limit, it does nothing. It works in the
    main thread only.
    """
    if seconds is None:
        yield
        return
    over = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal over
        over = True
        stop(f"the time limit of {in_words(seconds)}", number)

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except (Interrupted, KeyboardInterrupt) as error:
        if not over:
            raise
        hint = error.hint if isinstance(error, Interrupted) else None
        raise _over(seconds, hint) from error
    except LabError:
        raise
    except Exception as error:
        if not (over and just_stopped()):
            raise
        raise _over(seconds) from error  # a library made an error of its own of the end
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _over(seconds: int, hint: str | None = None) -> TimeLimitError:
    return TimeLimitError(f"stopped by the time limit of {in_words(seconds)}", hint=hint)


def in_words(seconds: int) -> str:
    """A duration in its units: 1 h 30 min, 10 min, 45 s."""
    parts = (seconds // 3600, "h"), (seconds % 3600 // 60, "min"), (seconds % 60, "s")
    return " ".join(f"{count} {unit}" for count, unit in parts if count)
