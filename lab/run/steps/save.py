"""Save an image to a file: `save: {side: producer}`."""

from __future__ import annotations

from typing import ClassVar

from lab.run.steps.kind import Known, Step
from lab.run.steps.work import IMAGE, Work


class Save(Step):
    """Save an image to a file beside the context, for a `load` of the same side."""

    client: ClassVar[str | None] = "docker"
    image: str = IMAGE

    def check(self, known: Known) -> None:
        """Refuse an image that this side has not built."""
        known.need_built(self.image, self.side)
        known.saved[self.side].add(self.image)

    def run(self, work: Work) -> None:
        """Save it."""
        work.say("save")
        file = str(work.context().parent / f"{self.image}.tar")
        work.docker(["save", "--output", file, work.reference_of(self.image)], "save the image")
