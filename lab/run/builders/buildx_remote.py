"""`docker-buildx build` with the driver remote: buildx drives a buildkitd, and needs no Docker."""

from __future__ import annotations

from lab.boxes.base import Result
from lab.errors import CommandError
from lab.run.builders.buildctl import Buildctl
from lab.run.builders.kind import Order, common_words
from lab.run.steps.work import Work

BUILDER, NODE = "lab", "lab0"  # with a node's name, the same builder can be made again


class BuildxRemote(Buildctl):
    """As buildctl, with the words of `docker build`; buildctl itself prunes."""

    needs_buildx = True

    def build(self, work: Work, order: Order) -> Result:
        """Make the builder in the context's own settings, then build, and push if a step needs that."""
        engine = work.station.engine
        if engine.plugins is None:
            raise CommandError(
                f"cannot build with buildx and {engine.name}: buildx is not beside it",
                hint="--builder buildx-remote brings it",
            )
        address = engine.docker[engine.docker.index("--addr") + 1]
        create = ["create", "--name", BUILDER, "--node", NODE, "--driver", "remote", address]
        work.buildx(create, "make the builder", in_context=False)
        words = ["build", "--builder", BUILDER, "--progress=plain"]
        words += ["--cache-to", order.exported] if order.exported else []
        image = f"type=image,name={order.reference},push={str(order.push).lower()}"
        return work.buildx([*words, "--output", image, *common_words(order)], "build the image")
