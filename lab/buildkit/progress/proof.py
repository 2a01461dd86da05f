"""What the steps of a build prove about steps whose own lines leave it open whether they were executed.

A step of a stage is executed only if its result is needed, and unless it is the last one, only the next step of its
stage can need it. So a step that was executed proves that the next one was, and a step proves that the one below it was
not executed if it was not executed itself. A stage that begins like another one shares its first steps with it, and
they are printed under the name of either; where that is possible, nothing is proven.

This settles a linked copy whose layers were put together (`doubt.MERGED`), and the first step of a stage that begins
with nothing (`FROM scratch`): BuildKit computes the key of an operation without inputs before it looks for it, and
prints that as DONE, whether the operation is then executed, loaded or not needed at all (solver/jobs.go, `CacheMap`;
measured on 0.13.2 and 0.25.2). A stage that begins with another stage has no FROM either, so that only rawjson says
what a step 1 stands on. A RUN without inputs has no program to run; it is looked at only where the next step is a hit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from lab.buildkit.progress.build import Step
from lab.buildkit.progress.doubt import MERGED, was_run
from lab.buildkit.progress.parts import Work
from lab.model import Outcome

FROM_STAGE = re.compile(r"\bfrom=([^\s,]+)")
IMAGE = re.compile(r"[:/@]")
FIRST = re.compile(r"(?:ONBUILD )?(WORKDIR|RUN)\b")
NOT_EXECUTED = (
    "nothing needed its result, so it was not executed; BuildKit prints DONE for a step that begins an empty stage "
    "once its key is computed"
)
MAYBE_EXECUTED = (
    "BuildKit prints DONE for a step that begins an empty stage once its key is computed, and the log does not show "
    "whether it was executed"
)
Place = tuple[tuple[str, ...], str | None]


def _failed_in_run(work: Work, step: Step) -> bool:
    return step.outcome is Outcome.ERROR and any(was_run(vertex) for vertex in work.own)


class Proof:
    """The steps of one build, as far as they prove what became of others."""

    def __init__(self, found: Iterable[tuple[Work, Step]]) -> None:
        self._stages: dict[Place, dict[int, Step]] = {}
        self._executed: list[Step] = []
        for work, step in found:
            self._stages.setdefault(_place(step), {})[step.index] = step
            if step.outcome is Outcome.RAN or _failed_in_run(work, step):
                self._executed.append(step)
        used = {name for step in self._executed for name in FROM_STAGE.findall(step.instruction)}
        self._used = {f"stage-{name}" if name.isdigit() else name.lower() for name in used}

    def judged(self, work: Work, step: Step) -> Step:
        """The step with the outcome that the output proves."""
        if step.reason == MERGED:
            return self._merged(step)
        if _failed_in_run(work, step):
            return replace(step, ran_and_failed=True)
        word = FIRST.match(step.instruction)
        if step.index != 1 or word is None or step.outcome is not Outcome.RAN:
            return step
        [vertex] = work.own
        if vertex.exact:
            return replace(step, outcome=Outcome.HIT, reason=NOT_EXECUTED) if vertex.keyed else step
        above = self._stages[_place(step)].get(2)
        if vertex.printed or vertex.found or above in self._executed:
            return step
        if above is not None and above.outcome is Outcome.HIT and not self._may_be_shared(step):
            return replace(step, outcome=Outcome.HIT, reason=NOT_EXECUTED)
        looked_at = word[1] == "WORKDIR" or (above is not None and above.outcome is Outcome.HIT)
        used = step.total == 1 and step.stage_name in self._used
        return replace(step, outcome=Outcome.UNKNOWN, reason=MAYBE_EXECUTED) if looked_at and not used else step

    def _merged(self, step: Step) -> Step:
        """A linked copy of which only the merge is seen: it was executed if the step below it was."""
        below = self._stages[_place(step)].get(step.index - 1)
        if below is None or below.outcome is not Outcome.RAN or self._may_be_shared(below):
            return step
        return replace(step, outcome=Outcome.RAN, reason=None)

    def _may_be_shared(self, step: Step) -> bool:
        """Whether a step that was executed may stand on this one under the name of another stage, which shares it."""
        names = {stage.rpartition(" ")[2].lower() for (_, stage) in self._stages if stage}
        if any(not IMAGE.search(name) and name not in names for name in self._used):
            return True
        for other in self._executed:
            mine = self._stages[_place(other)]
            shared = step.index not in mine and other.index > step.index
            stands_on_a_stage = other.index == 1 and step.index == 1 and not _is_hit(mine.get(2))
            if _place(other) != _place(step) and (shared or stands_on_a_stage):
                return True
        return False


def _is_hit(step: Step | None) -> bool:
    return step is not None and step.outcome is Outcome.HIT


def _place(step: Step) -> Place:
    return (step.targets, step.stage)
