"""Empty the engine's cache, in whole or in part: `prune: {scope: builder}`."""

from __future__ import annotations

from lab.run.builders.kind import Scope
from lab.run.builders.table import builder_of
from lab.run.steps.kind import Step
from lab.run.steps.work import Work


class Prune(Step):
    """Remove images and build cache of the side's engine.

    `all` is `docker system prune -a`, `system` the same without -a, `builder` and `builder-all` are `docker builder
    prune` without and with -a, `images` is `docker image prune -a`. With buildctl they are `buildctl prune`, with
    `--all` for `all` and `builder-all`; a buildkitd has no images.
    """

    scope: Scope = "all"

    def run(self, work: Work) -> None:
        """Prune."""
        prune(work, self.scope)


def prune(work: Work, scope: Scope = "all") -> None:
    """Prune one scope of the side's engine."""
    builder_of(work.station.engine.builder).prune(work, scope)
