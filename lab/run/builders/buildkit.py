"""`docker build` with the engine's own BuildKit."""

from __future__ import annotations

from lab.boxes.base import Result
from lab.run.builders.docker import DockerBuilder
from lab.run.builders.kind import Order, common_words
from lab.run.steps.work import Work


class BuildKit(DockerBuilder):
    """BuildKit, which reads the caches of its sources from the registry."""

    rules = True

    def build(self, work: Work, order: Order) -> Result:
        """Build with plain progress, which the lab reads."""
        inline = ["--build-arg", "BUILDKIT_INLINE_CACHE=1"] if order.inline else []
        return work.docker(["build", "--progress=plain", *inline, *common_words(order)], "build the image")
