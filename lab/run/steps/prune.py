"""Empty the engine's cache, in whole or in part: `prune: {scope: builder}`."""

from __future__ import annotations

from typing import Literal

from lab.run.steps.kind import Step
from lab.run.steps.work import Work

SCOPES = {
    "all": ("system", "prune", "-a", "-f"),  # as in the bug report: every image, and all build cache
    "system": ("system", "prune", "-f"),
    "builder": ("builder", "prune", "-f"),
    "builder-all": ("builder", "prune", "-a", "-f"),
    "images": ("image", "prune", "-a", "-f"),
}


class Prune(Step):
    """Remove images and build cache of the side's engine.

    `all` is `docker system prune -a`, `system` the same without -a, `builder` and `builder-all` are `docker builder
    prune` without and with -a, `images` is `docker image prune -a`.
    """

    scope: Literal["all", "system", "builder", "builder-all", "images"] = "all"

    def run(self, work: Work) -> None:
        """Prune."""
        prune(work, self.scope)


def prune(work: Work, scope: str = "all") -> None:
    """Prune one scope of the side's engine."""
    work.say("prune")
    # `docker builder prune` is a command of buildx where the client has it, and the DOCKER_CONFIG shows it that plugin
    work.docker(SCOPES[scope], "prune Docker", in_context=scope.startswith("builder"))
