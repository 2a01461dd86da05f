"""Finds what a frontend rejects anywhere in a Dockerfile, so that the whole build fails."""

from __future__ import annotations

from lab.buildkit.cachekeys.copying import unknown_flag
from lab.buildkit.cachekeys.dockerfile import Dockerfile
from lab.buildkit.cachekeys.frontend import NEW, Frontend
from lab.buildkit.cachekeys.instruction import Instruction
from lab.buildkit.cachekeys.pairs import pairs_of

FIRST_WITH_NETWORK = 3
WORDS = {
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"),
    *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
}


def rejected(dockerfile: Dockerfile, frontend: Frontend) -> str | None:
    """Return why a frontend rejects a Dockerfile, of which it reads all stages; None if lab knows no reason."""
    found = first_rejected(dockerfile, frontend)
    return found[1] if found else None


def first_rejected(dockerfile: Dockerfile, frontend: Frontend) -> tuple[Instruction, str] | None:
    """Return the first instruction that a frontend rejects, with the reason; None if lab knows none."""
    for stage in dockerfile.stages:
        for item in stage.instructions:
            if why := _why(item, dockerfile.escape, frontend):
                return item, why
    return None


def _why(item: Instruction, escape: str, frontend: Frontend) -> str | None:
    if item.word not in WORDS:
        return f"{item.word} is no instruction"
    if item.word in ("COPY", "ADD"):
        return unknown_flag(item, frontend)
    if item.word == "RUN":
        names = [name for name, _ in item.flags]
        if "network" in names and frontend.number < FIRST_WITH_NETWORK:
            return "this frontend does not support the flag --network"
        if "security" in names and not (frontend.labs or frontend.number > NEW):
            return "this frontend does not support the flag --security"
        return None
    if item.word == "ENV":
        pairs = pairs_of(item, escape)
        if not pairs or any(value is None or not name for name, value in pairs):
            return f"{item.text} is malformed"
    return None
