"""Time between two steps: `wait: {seconds: 2}`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lab.run.steps.kind import Step
from lab.run.steps.work import Work


class Wait(Step):
    """Let seconds pass on the box, 60 at most."""

    seconds: Annotated[int, Field(ge=1, le=60)]

    def run(self, work: Work) -> None:
        """Sleep on the box, so that the transcript has it."""
        work.say(f"wait {self.seconds} s")
        work.station.box.check(["sleep", str(self.seconds)], doing="wait", timeout=self.seconds + 60)
