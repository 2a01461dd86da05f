"""Why steps ran or hit, as frozen values that every report uses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lab.buildkit.contenthash.compare import FieldDifference


class Role(StrEnum):
    """What a step is in its trial."""

    HIT = "hit"  # nothing to explain
    CAUSE = "cause"  # something of its own differs
    CONSEQUENCE = "consequence"  # a step on which it depends missed
    NOT_HELD = "not held"  # its key is in the cache, which holds no layer of it
    UNKNOWN = "unknown"  # too little is known


@dataclass(frozen=True, slots=True)
class StepCause:
    """One step: its role, the cause in one sentence, evidence lines, and for a known cause where it is fixed.

    `issue` is a URL, `fixed` a version such as "Docker 19.03.13", `advice` what to do about it.
    """

    instruction: str
    role: Role
    sentence: str
    differences: tuple[FieldDifference, ...] = ()
    evidence: tuple[str, ...] = ()
    issue: str | None = None
    fixed: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """All steps of one trial, explained; `trial` is its name, `main` the number of the step that most others follow."""

    trial: str
    steps: tuple[StepCause, ...]
    main: int | None = None

    @property
    def cause(self) -> StepCause | None:
        """The step on whose miss most others depend; None if all hit or if no cause is known."""
        if self.main is not None:
            return self.steps[self.main]
        return next((step for step in self.steps if step.role is Role.CAUSE), None)
