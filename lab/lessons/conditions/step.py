"""A step of a build that the check makes: `step: {build: edited, step: "RUN install*", outcome: hit}`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from lab.lessons.conditions.kind import FAILED, MISSING, Condition, Finding, failure, matching
from lab.lessons.evidence import Evidence
from lab.model import Outcome
from lab.yamlfile import Strict


class Step(Condition, Strict):
    """The student's folder is really rebuilt; the step has this outcome.

    `step` is a glob of the instruction as Docker prints it, or its number after FROM, from 1.
    """

    findings: ClassVar = ("hit", "wrong-hit", "ran", "error", "unknown", MISSING, FAILED)

    build: str
    step: Annotated[int, Field(ge=1)] | str
    outcome: Outcome

    @property
    def builds(self) -> tuple[str, ...]:
        """The build whose step it is."""
        return (self.build,)

    def look(self, evidence: Evidence) -> Finding:
        """The outcome that the build's output shows."""
        made = evidence.made(self.build)
        if failed := failure(made):
            return failed
        if isinstance(self.step, int):
            outcome = made.steps[self.step - 1][1] if self.step <= len(made.steps) else None
        else:
            outcome = matching(made.steps, self.step)
        if outcome is None:
            return Finding(False, MISSING, "; ".join(text for text, _ in made.steps))
        return Finding(outcome is self.outcome, outcome.value)
