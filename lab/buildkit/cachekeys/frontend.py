"""The releases of the Dockerfile frontend: docker/dockerfile 1.N is the one that BuildKit 0.(N+6) has built in."""

from __future__ import annotations

import re
from dataclasses import dataclass

OLD, MIDDLE, NEW = 2, 7, 19  # the releases that are checked: of Docker 20.10.24, 26.1.5 and 28.5.2
CHECKING = 8  # of Docker 27
NAME = re.compile(r"(?:docker\.io/)?docker/dockerfile(?::(?P<tag>[^@]+))?(?P<digest>@sha256:[0-9a-f]{64})?")
RELEASE = re.compile(r"1\.([0-9]{1,9})(?:\.[0-9]+)?(?P<labs>-labs)?")
FLOATING = ("1", "latest", "1-labs", "labs")  # tags that move to each new release
NEWEST = 27  # the newest release that lab knows, of BuildKit 0.33


@dataclass(frozen=True, slots=True)
class Frontend:
    """The release 1.`number` of the frontend; `labs` has flags that are not stable yet."""

    number: int
    labs: bool = False

    @property
    def generations(self) -> tuple[int, ...]:
        """The checked releases between which this one lies; one release if it behaves like that one."""
        if self.number <= OLD:
            return (OLD,)
        if self.number >= NEW:
            return (NEW,)
        if self.number == MIDDLE:
            return (MIDDLE,)
        return (OLD, MIDDLE) if self.number < MIDDLE else (MIDDLE, NEW)

    @property
    def checks(self) -> bool:
        """True if it makes build checks, so that # check is more than a comment."""
        return self.number >= CHECKING

    @property
    def excludes(self) -> bool:
        """True if it has COPY --exclude."""
        return self.number >= NEW or (self.labs and self.number >= MIDDLE)

    @property
    def parents(self) -> bool:
        """True if it has COPY --parents."""
        return self.number > NEW or (self.labs and self.number >= MIDDLE)


def moves(name: str) -> bool:
    """True for the name of a frontend whose tag moves to each new release."""
    found = NAME.fullmatch(name)
    return bool(found and not found["digest"] and (found["tag"] or "latest") in FLOATING)


def named_frontend(name: str) -> Frontend | str:
    """Return the frontend that a `# syntax` directive names, or the reason why it is not known.

    A tag that moves, such as docker/dockerfile:1, is taken for the newest release.
    """
    found = NAME.fullmatch(name)
    if found is None:
        return f"the frontend {name} reads the Dockerfile, not the engine"
    tag = found["tag"] or "latest"
    release = RELEASE.fullmatch(tag)
    if release:
        return Frontend(int(release[1]), bool(release["labs"]))
    if tag in FLOATING:
        return Frontend(NEWEST, labs=tag.endswith("labs"))
    return f"lab does not know the release of the frontend {name}"
