"""Whether a run of `lab vary` proves anything: without a change it must hit, after the deliberate one it must miss."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lab.model import Outcome
from lab.results.run import Trial

COMMAND = re.compile(r": `.*`$")


def problem(control: Trial | None, deliberate: Trial | None, what: str, instructions: Sequence[str]) -> str | None:
    """Return why the run proves nothing; None if both did as they must. `what` is the deliberate change."""
    if control is None or control.build is None:
        return "the rebuild without a change was not made" + _because(control)
    outcomes, wanted = outcomes_of(control), control.predicted or ()
    if Outcome.UNKNOWN in outcomes or Outcome.ERROR in outcomes:
        return "the rebuild without a change has a step whose outcome is not known" + _because(control)
    if Outcome.HIT not in outcomes:
        return "the rebuild without a change missed every step"
    ran = [at for at, outcome in enumerate(outcomes) if outcome is Outcome.RAN]
    if wrong := [at for at in ran if at >= len(wanted) or wanted[at] is not Outcome.RAN]:
        return f"the rebuild without a change missed at {instructions[wrong[0]]}"
    if deliberate is None or deliberate.build is None:
        return f"the change that must miss was not built: {what}{_because(deliberate)}"
    return None if misses(deliberate, outcomes) else f"the change that must miss hit: {what}"


def outcomes_of(trial: Trial | None) -> tuple[Outcome, ...]:
    """Return the outcomes of a trial's steps; none without a build."""
    return tuple(step.outcome for step in trial.build.steps) if trial and trial.build else ()


def is_miss(outcome: Outcome, before: Outcome) -> bool:
    """Return whether a step ran that did not run without the change."""
    return outcome is Outcome.RAN and before is not Outcome.RAN


def misses(trial: Trial, before: Sequence[Outcome]) -> bool:
    """Return whether a trial misses a step that did not run without the change."""
    return any(is_miss(*pair) for pair in zip(outcomes_of(trial), before, strict=False))


def in_short(problem: str) -> str:
    """Return a trial's problem in one line: what failed without its command, and the last line that was printed."""
    first, *rest = problem.splitlines()
    printed = [line for line in rest if not line.startswith("hint:")]
    return ": ".join([COMMAND.sub("", first), *printed[-1:]])


def _because(trial: Trial | None) -> str:
    return f": {in_short(trial.problem)}" if trial and trial.problem else ""
