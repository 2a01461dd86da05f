"""Give an image another name: `tag: {image: other, to: image}`."""

from __future__ import annotations

from typing import ClassVar

from lab.run.steps.kind import Known, Step
from lab.run.steps.work import Work


class Tag(Step):
    """Give an image the name of another one, which then names this image."""

    client: ClassVar[str | None] = "docker"
    image: str
    to: str

    def check(self, known: Known) -> None:
        """Refuse an image that this side has not built."""
        known.need_built(self.image, self.side)
        known.built[self.side].add(self.to)

    def run(self, work: Work) -> None:
        """Tag it."""
        source = work.reference_of(self.image)
        work.docker(["tag", source, work.make(self.to)], "tag the image")
