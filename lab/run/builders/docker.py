"""What the builders of Docker's client share: how an image is pushed, and how the engine is emptied."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence

from lab.archives import DAMAGED, open_tar
from lab.boxes.base import Result
from lab.registry.image_path import ImagePath, read_member
from lab.run.builders.caching import INLINE
from lab.run.builders.kind import Scope
from lab.run.steps.work import Work

PRUNES: Mapping[Scope, tuple[str, ...]] = {
    "all": ("system", "prune", "-a", "-f"),  # as in the bug report: every image, and all build cache
    "system": ("system", "prune", "-f"),
    "builder": ("builder", "prune", "-f"),
    "builder-all": ("builder", "prune", "-a", "-f"),
    "images": ("image", "prune", "-a", "-f"),
}


class DockerBuilder:
    """A builder that Docker's client calls; its images are in the engine's store."""

    client = "docker"
    needs_buildx = False
    has_images = True

    def caches(self, store: str) -> tuple[str, ...]:
        """An inline cache alone; BuildKit exports others where the images are in containerd's store."""
        return (INLINE,)

    def push(self, work: Work, reference: str) -> None:
        """Push the image from the engine's store."""
        work.say("push")
        work.docker(["push", reference], "push the image")

    def read(self, work: Work, reference: str, path: str) -> ImagePath | None:
        """Copy the path out of a container that is never started."""
        station = work.station
        return path_in_image(
            work.docker, lambda words: station.box.run(station.engine.call(words), timeout=120), reference, path
        )

    def prune(self, work: Work, scope: Scope) -> None:
        """Prune as Docker's client does."""
        work.say("prune")
        # `docker builder prune` is a command of buildx where the client has it: the DOCKER_CONFIG shows it that plugin
        work.docker(PRUNES[scope], "prune Docker", in_context=scope.startswith("builder"))


def path_in_image(
    docker: Callable[[Sequence[str], str], Result],
    copy: Callable[[Sequence[str]], Result],
    reference: str,
    path: str,
) -> ImagePath | None:
    """What an image in an engine's store has at a path, None for nothing; the container for that is never started.

    `docker` runs words of the client and raises CommandError if they fail, `copy` returns their result in any case.
    """
    container = docker(["create", reference, "true"], "make a container to look into").text.split()[-1]
    try:
        copied = copy(["cp", f"{container}:{path}", "-"])
    finally:
        docker(["rm", container], "remove the container")
    return _first(copied.stdout) if copied.ok else None


def _first(archive: bytes) -> ImagePath | None:
    """The first object of an archive; None if it is not one."""
    try:
        with open_tar(io.BytesIO(archive)) as opened:
            member = opened.next()
            return read_member(opened, member) if member else None
    except DAMAGED:
        return None
