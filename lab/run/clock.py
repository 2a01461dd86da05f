"""Moves the real-time clock of a whole machine for the time of a build, and moves it back however that ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from lab.boxes.base import Box
from lab.errors import BoxError, CommandError, LabError
from lab.run.steps.work import AS_ROOT

DAY = 24 * 3600  # seconds
LONGEST = 1800  # seconds after which the machine moves its clock back by itself
SIGN = "/run/lab-clock-moved"  # the clock is moved as long as this file exists
# $1 is the sign, $2 the seconds ahead, $3 the longest time. A process of its own moves the clock back once the sign is
# gone, so the clock is right again also if lab is killed or the connection breaks. The time since the boot shows
# whether a time service has moved the clock back already.
MOVE = """\
set -e
test ! -e "$1" || { echo "another lab process has moved the clock" >&2; exit 1; }
rm -f "$1.done"
boot=$(($(date +%s) - $(cut -d. -f1 /proc/uptime)))
date -s "$2 seconds" > /dev/null
: > "$1"
nohup setsid sh -c '
  left=$3
  while test -e "$1" && test "$left" -gt 0; do sleep 1; left=$((left - 1)); done
  ahead=$(($(date +%s) - $(cut -d. -f1 /proc/uptime) - $4))
  test "$ahead" -lt $(($2 / 2)) || date -s "$2 seconds ago"
  rm -f "$1"
  : > "$1.done"
' sh "$1" "$2" "$3" "$boot" > /dev/null 2>&1 < /dev/null &
"""
BACK = """\
rm -f "$1"
for second in 1 2 3 4 5 6 7 8 9 10; do test ! -e "$1.done" || break; sleep 1; done
rm "$1.done"
"""


class ClockError(CommandError):
    """The machine does not let its clock be moved, or does not keep the other time."""


@contextmanager
def moved_clock(box: Box, days: int, sign: str = SIGN) -> Iterator[None]:
    """Move the clock this many days ahead within the context; ClockError if the machine does not keep the other time.

    Raises BoxError if the clock cannot be moved back.
    """
    ahead = days * DAY
    before = _now(box)
    try:
        box.check([*_as_root(MOVE, sign), str(ahead), str(LONGEST)], doing="move the clock", timeout=60)
    except CommandError as error:
        raise ClockError(f"the clock of {box.name} cannot be moved: {(error.tail() or [error.message])[-1]}") from error
    try:
        yield
        if _now(box) - before < ahead:
            raise ClockError(f"the clock of {box.name} does not stay moved: a time service of it has set it back")
    except BaseException:
        with suppress(LabError):  # the first error counts; the machine moves its clock back by itself
            _move_back(box, sign)
        raise
    _move_back(box, sign)


def _move_back(box: Box, sign: str) -> None:
    if not box.run(_as_root(BACK, sign), timeout=60).ok:
        raise BoxError(
            f"cannot move the clock of {box.name} back: no process there answers",
            hint=f"set it with `date -s` on the box, or make the box anew: python -m lab up {box.name} --destroy",
        )


def _as_root(script: str, sign: str) -> list[str]:
    return ["sh", "-c", AS_ROOT, "sh", "sh", "-c", script, "sh", sign]


def _now(box: Box) -> int:
    return int(box.check(["date", "+%s"], doing="read the clock").text)
