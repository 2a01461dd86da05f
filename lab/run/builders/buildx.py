"""`docker buildx build` with the builder of the engine itself, whose driver is docker."""

from __future__ import annotations

from lab.boxes.base import Result
from lab.engines.engine import CONTAINERD
from lab.run.builders.caching import INLINE, KINDS
from lab.run.builders.docker import DockerBuilder
from lab.run.builders.kind import Order, common_words
from lab.run.steps.work import Work


class Buildx(DockerBuilder):
    """The engine's own BuildKit, with the words that pages on buildx use: every cache is one of --cache-to."""

    needs_buildx = True

    def build(self, work: Work, order: Order) -> Result:
        """Build into the engine's images, whatever builder the user of the box has chosen as the current one."""
        words = ["buildx", "build", "--builder", "default", "--load", "--progress=plain"]
        words += ["--cache-to", order.exported] if order.exported else []
        return work.docker([*words, *common_words(order)], "build the image")

    def caches(self, store: str) -> tuple[str, ...]:
        """Every kind with containerd's store, else an inline cache alone."""
        return KINDS if store == CONTAINERD else (INLINE,)
