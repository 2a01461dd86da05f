"""Time between two steps: seconds, or days of the clock, which a script does not move."""

from __future__ import annotations

from types import MappingProxyType

from lab.report.script.steps.kind import Side
from lab.results.sequence import SequenceStep

DAYS = r"""
days() { # how many
    if [ -z "${LAB_CLOCK:-}" ]; then
        by_hand=$((by_hand + 1))
        note "  left out: the clock $1 days ahead; LAB_CLOCK states the command that moves it, as in 'date -s'"
        return
    fi
    $LAB_CLOCK "$1 days" >/dev/null || fail "the command of LAB_CLOCK failed"
    note "  the clock is now $1 days ahead, and stays so: $LAB_CLOCK '-$1 days' moves it back"
}
"""


class WaitLines:
    """`sleep`, as in the run. The clock of somebody else's machine is moved only if somebody states the command."""

    functions = MappingProxyType({"days": DAYS})
    by_hand = None

    def lines(self, step: SequenceStep, side: Side) -> list[str]:
        """The changes of the context that come before the time, and the time."""
        if (days := step.values.get("days")) is not None:
            return [*side.writes(), f"days {int(str(days))}"]
        return [*side.writes(), f"sleep {int(str(step.values['seconds']))}"]
