"""Time between two steps: `wait: {seconds: 2}`, or by the clock alone: `wait: {days: 400}`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

from pydantic import Field, model_validator

from lab.run.clock import moved_clock
from lab.run.steps.kind import Step
from lab.run.steps.work import Work


class Wait(Step):
    """Let seconds pass on the box, 60 at most, or move its clock some days ahead until the side has made its steps.

    Linux has one clock of the time of day for all processes of a machine; time namespaces have none of their own
    (time_namespaces(7)). So days pass only on a machine that lab made.
    """

    seconds: Annotated[int, Field(ge=1, le=60)] | None = None
    days: Annotated[int, Field(ge=1, le=3650)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Wait:
        if (self.seconds is None) == (self.days is None):
            raise ValueError("a wait has either seconds or days")
        return self

    def run(self, work: Work) -> None:
        """Sleep on the box, or move its clock, so that the transcript has it; ClockError if it does not let itself."""
        if self.seconds is not None:
            work.say(f"wait {self.seconds} s")
            work.station.box.check(["sleep", str(self.seconds)], doing="wait", timeout=self.seconds + 60)
        elif self.days is not None:
            work.say(f"move the clock {self.days} days ahead")
            moved = ExitStack()
            moved.enter_context(moved_clock(work.station.box, self.days))
            work.endings.append(moved.close)
