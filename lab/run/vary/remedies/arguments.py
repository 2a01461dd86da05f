"""The remedy for a build argument: it is declared directly before the first instruction that names it."""

from __future__ import annotations

from collections.abc import Iterator

from lab.buildkit.cachekeys.dockerfile import parse
from lab.run.vary.dockerfiles import argument_of, later_argument
from lab.run.vary.remedies.candidate import Candidate, Ground

AXES = ("build-arg",)


def arguments(ground: Ground) -> Iterator[Candidate]:
    """Yield the Dockerfile in which the argument of the axis is declared later, if that is possible."""
    axes, found = ground.among(AXES), argument_of(ground.scene.parsed)
    if not axes or found is None:
        return
    name = found[0]
    built = later_argument(ground.scene.text, ground.scene.parsed, name)
    shown = later_argument(ground.user_text, parse(ground.user_text), name)
    if built and shown:
        yield Candidate(
            "argument-later",
            f"ARG {name} stands directly before the first instruction that names it",
            axes,
            dockerfile=built,
            spares=name,
            before=ground.user_text,
            text_after=shown,
            caution=f"A program that an earlier RUN starts no longer finds {name} among its variables",
        )
