"""The remedy for a build argument: it is declared directly before the first instruction that names it."""

from __future__ import annotations

from collections.abc import Iterator

from lab.buildkit.cachekeys.dockerfile import parse
from lab.run.vary.dockerfiles import argument_of, later_argument
from lab.run.vary.remedies.candidate import Candidate, Ground

PROXY = "http_proxy"


def arguments(ground: Ground) -> Iterator[Candidate]:
    """Yield the Dockerfile in which the argument of an axis is declared later, if that is possible."""
    found = argument_of(ground.scene.parsed)
    names = {"build-arg": found[0] if found else None, "proxy": PROXY}
    for axis in ground.among(tuple(names)):
        name = names[axis]
        if name is None:
            continue
        built = later_argument(ground.scene.text, ground.scene.parsed, name)
        shown = later_argument(ground.user_text, parse(ground.user_text), name)
        if built and shown:
            yield Candidate(
                f"{name}-later",
                f"ARG {name} stands directly before the first instruction that names it",
                (axis,),
                dockerfile=built,
                spares=name,
                before=ground.user_text,
                text_after=shown,
                caution=f"A program that an earlier RUN starts no longer finds {name} among its variables",
            )
