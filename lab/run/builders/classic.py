"""`docker build` with the classic builder, as with DOCKER_BUILDKIT=0."""

from __future__ import annotations

from lab.boxes.base import Result
from lab.run.builders.docker import DockerBuilder
from lab.run.builders.kind import Order, common_words
from lab.run.steps.work import Work


class Classic(DockerBuilder):
    """The classic builder. It uses the layers of its sources only if they were pulled before, so each is pulled."""

    def build(self, work: Work, order: Order) -> Result:
        """Pull the sources, then build; a source that does not exist on purpose is not pulled."""
        for source in order.sources:
            if order.pull and source not in order.absent:
                work.docker(["pull", source], "pull the cache source")
        words = ["build", *common_words(order)]
        return work.docker(words, "build the image", buildkit=False, tar=order.archive)
