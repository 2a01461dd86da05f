"""A step that missed, with everything that its cause is looked for in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lab.buildkit.cachekeys.copying import Copy, read_copy
from lab.buildkit.cachekeys.instruction import instruction
from lab.buildkit.cachekeys.solver import Decision, Reason
from lab.explain.subject import Subject
from lab.explain.upstream import Upstream
from lab.model import Outcome


@dataclass(frozen=True)
class Miss:
    """One step that ran: `text` is its instruction, `decision` its prediction, None where nothing was predicted of it.

    `after_miss` is True for a step whose parent missed too. Its cause is then what would make it miss by itself.
    """

    subject: Subject
    upstream: Upstream
    text: str
    decision: Decision | None = None
    after_miss: bool = False

    @cached_property
    def copy(self) -> Copy | None:
        """The COPY or ADD that takes files from the context; None for any other step."""
        item = instruction(self.text)
        if item.word not in ("COPY", "ADD"):
            return None
        found = read_copy(item)
        return found if found.from_context else None

    @property
    def predicted(self) -> Decision | None:
        """The prediction that the step runs; None where another one, or none, was made."""
        return self.decision if self.decision and self.decision.outcome is Outcome.RAN else None

    @property
    def reason(self) -> Reason | None:
        """Why the step was predicted as it was."""
        return self.decision.reason if self.decision else None
