"""Pull an image: `pull: {image: image}`."""

from __future__ import annotations

from typing import ClassVar

from lab.run.steps.kind import Known, Step
from lab.run.steps.work import IMAGE, Work


class Pull(Step):
    """Pull an image from the run's registry."""

    client: ClassVar[str | None] = "docker"
    image: str = IMAGE

    def check(self, known: Known) -> None:
        """Refuse an image that no step before it pushes."""
        if self.image not in known.pushed:
            raise ValueError(f'no image "{self.image}" was pushed before it')
        known.built[self.side].add(self.image)

    def run(self, work: Work) -> None:
        """Pull it."""
        work.say("pull")
        work.docker(["pull", work.reference_of(self.image)], "pull the image")
