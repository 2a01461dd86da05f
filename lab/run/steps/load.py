"""Load an image from a file: `load: {}`."""

from __future__ import annotations

from typing import ClassVar

from lab.run.steps.kind import Known, Step
from lab.run.steps.work import IMAGE, Work


class Load(Step):
    """Load an image that a `save` of the same side has written."""

    client: ClassVar[str | None] = "docker"
    image: str = IMAGE

    def check(self, known: Known) -> None:
        """Refuse an image that this side has not saved."""
        if self.image not in known.saved[self.side]:
            raise ValueError(f'no step of the {self.side} before it saves "{self.image}"')
        known.built[self.side].add(self.image)

    def run(self, work: Work) -> None:
        """Load it."""
        work.say("load")
        file = str(work.context().parent / f"{self.image}.tar")
        work.docker(["load", "--input", file], "load the image")
