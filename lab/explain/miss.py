"""A step that missed, with everything that its cause is looked for in."""

from __future__ import annotations

from dataclasses import dataclass

from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.solver import Decision, Reason
from lab.buildkit.cachekeys.step import Step
from lab.explain.subject import Subject
from lab.explain.upstream import Upstream
from lab.model import Outcome


@dataclass(frozen=True)
class Miss:
    """One step that ran: `text` is its instruction, `decision` its prediction, None where nothing was predicted of it.

    `step` is the step of the plan, None where the plan has none of that text. `after_miss` is True for a step whose
    parent missed too. Its cause is then what would make it miss by itself.
    """

    subject: Subject
    upstream: Upstream
    text: str
    decision: Decision | None = None
    step: Step | None = None
    after_miss: bool = False

    @property
    def copy(self) -> Copy | None:
        """What the step takes of the context; None if nothing."""
        return self.step.taken if self.step else None

    @property
    def predicted(self) -> Decision | None:
        """The prediction that the step runs; None where another one, or none, was made."""
        return self.decision if self.decision and self.decision.outcome is Outcome.RAN else None

    @property
    def reason(self) -> Reason | None:
        """Why the step was predicted as it was."""
        return self.decision.reason if self.decision else None
