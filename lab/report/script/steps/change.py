"""A change of the context: the next command of a client is preceded by the recorded commands that make it."""

from __future__ import annotations

from lab.report.script.steps.kind import NONE, Side
from lab.results.sequence import SequenceStep


class ChangeLines:
    """A change of a build's options is in the words of that build, so it needs no line."""

    functions = NONE
    by_hand = None

    def lines(self, step: SequenceStep, side: Side) -> list[str]:
        """The recorded commands that change the context."""
        return side.writes()
