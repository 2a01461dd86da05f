"""The check of an exercise: the conditions in their order, and the hint for what the first unmet one found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from lab.lessons.conditions.kind import Finding
from lab.lessons.evidence import Evidence
from lab.lessons.folder import is_unchanged
from lab.lessons.lesson_file import Exercise, Look


class Verdict(IntEnum):
    """How a check ends; the numbers are the exit codes of `lab lesson check`."""

    PASSED = 0
    NOT_YET = 1
    NOTHING = 2
    WARNED = 3


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: the verdict, the first condition that is not met, its word and its hint."""

    verdict: Verdict
    condition: str = ""
    found: str = ""
    hint: str = ""

    @property
    def passed(self) -> bool:
        """True if the exercise passes, with a warning or without."""
        return self.verdict in (Verdict.PASSED, Verdict.WARNED)


def check(exercise: Exercise, evidence: Evidence) -> Checked:
    """Look at the real state, condition by condition; LabError if an engine does not answer."""
    for number, look in enumerate(exercise.check):
        # the first condition is often not met: the builds of the second one begin when the first one is met
        following = exercise.looks[number + 1 : number + 2] if number else ()
        evidence.expect([name for item in (look, *following) for name in item.look.condition.builds])
        finding = look.look.condition.look(evidence)
        if not finding.met:
            return _not_met(look, finding, evidence)
    for look in exercise.warnings:
        finding = look.look.condition.look(evidence)
        if not finding.met:
            return Checked(Verdict.WARNED, look.name, finding.found, hint_of(look, finding))
    return Checked(Verdict.PASSED)


def hint_of(look: Look, finding: Finding) -> str:
    """The hint for what was found, with its word and its detail in it."""
    return look.hint(finding.found).replace("{found}", finding.found).replace("{detail}", finding.detail)


def _not_met(look: Look, finding: Finding, evidence: Evidence) -> Checked:
    untouched = look.look.condition.of_folder and is_unchanged(evidence.folder, evidence.start)
    verdict = Verdict.NOTHING if finding.nothing or untouched else Verdict.NOT_YET
    return Checked(verdict, look.name, finding.found, hint_of(look, finding))
