"""Time between two steps: `wait: {seconds: 2}`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from lab.run.steps.kind import Step
from lab.run.steps.work import Work

NO_CLOCK = (
    "the clock of an engine cannot be moved: Linux has one clock of the time of day for all processes of a machine, "
    "so every other program would see the change. seconds: 60 waits, and the change `time` sets the time of a file"
)


class Wait(Step):
    """Let seconds pass on the box, 60 at most."""

    seconds: Annotated[int, Field(ge=1, le=60)]

    @model_validator(mode="before")
    @classmethod
    def _no_clock(cls, value: Any) -> Any:
        """Refuse a moved clock with the reason; time namespaces have no CLOCK_REALTIME (time_namespaces(7))."""
        if isinstance(value, dict) and "clock" in value:
            raise ValueError(NO_CLOCK)
        return value

    def run(self, work: Work) -> None:
        """Sleep on the box, so that the transcript has it."""
        work.say(f"wait {self.seconds} s")
        work.station.box.check(["sleep", str(self.seconds)], doing="wait", timeout=self.seconds + 60)
