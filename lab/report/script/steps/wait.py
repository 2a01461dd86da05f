"""Time between two steps."""

from __future__ import annotations

from lab.report.script.steps.kind import NONE, Side
from lab.results.sequence import SequenceStep


class WaitLines:
    """`sleep`, as in the run."""

    functions = NONE
    by_hand = None

    def lines(self, step: SequenceStep, side: Side) -> list[str]:
        """The changes of the context that come before the time, and the time."""
        return [*side.writes(), f"sleep {int(str(step.values['seconds']))}"]
