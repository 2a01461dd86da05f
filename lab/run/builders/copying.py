"""A path of an image in an engine's store, copied out by Docker's client."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lab.boxes.base import Result
from lab.registry.image_entry import ImagePath, read_first


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
    return read_first(copied.stdout) if copied.ok else None
