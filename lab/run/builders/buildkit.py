"""`docker build` with the engine's own BuildKit."""

from __future__ import annotations

from lab.boxes.base import Result
from lab.engines.engine import CONTAINERD
from lab.run.builders.caching import INLINE, KINDS
from lab.run.builders.docker import DockerBuilder
from lab.run.builders.kind import Order, common_words
from lab.run.steps.work import Work


class BuildKit(DockerBuilder):
    """BuildKit, which reads the caches of its sources from the registry."""

    def build(self, work: Work, order: Order) -> Result:
        """Build with plain progress, which the lab reads."""
        if order.caching.kind == INLINE:
            words = ["--build-arg", "BUILDKIT_INLINE_CACHE=1"] if order.export else []
        else:
            words = ["--cache-to", order.exported] if order.exported else []
        return work.docker(
            ["build", "--progress=plain", *words, *common_words(order)], "build the image", tar=order.archive
        )

    def caches(self, store: str) -> tuple[str, ...]:
        """Every kind with containerd's store, else an inline cache alone."""
        return KINDS if store == CONTAINERD else (INLINE,)
