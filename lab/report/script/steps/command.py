"""Steps that are one command of a client: push, pull, tag, prune, save and load."""

from __future__ import annotations

from dataclasses import dataclass

from lab.report.script.steps.kind import NONE, Side
from lab.results.sequence import SequenceStep


@dataclass(frozen=True)
class CommandLines:
    """The recorded command; none where the client needs none, as `buildctl` needs no push."""

    verb: str
    functions = NONE
    by_hand = None

    def lines(self, step: SequenceStep, side: Side) -> list[str]:
        """The changes of the context since the last command, then the command with the script's own paths."""
        lines = side.writes()
        found = side.queue.take(lambda command: command.verb.split(" ")[-1] == self.verb and not command.builds)
        return [*lines, " ".join([found.client, *map(side.words.of, found.words)])] if found else lines
