"""Push an image: `push: {side: producer}`."""

from __future__ import annotations

from lab.run.builders.table import builder_of
from lab.run.steps.kind import Known, Step
from lab.run.steps.work import IMAGE, Work


class Push(Step):
    """Push an image to the run's registry; with buildctl, the build has done that."""

    image: str = IMAGE

    def check(self, known: Known) -> None:
        """Refuse an image that this side has not built."""
        known.need_built(self.image, self.side)
        known.pushed.add(self.image)

    def run(self, work: Work) -> None:
        """Push it."""
        builder_of(work.station.engine.builder).push(work, work.reference_of(self.image))
        work.pushed.add(self.image)
