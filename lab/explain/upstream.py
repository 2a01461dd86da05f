"""Bugs of Docker and BuildKit that make steps miss or hit, with where they are fixed: boxes/buildkit/upstream.yaml."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import Field

from lab.versions import covers, numbers
from lab.yamlfile import Strict, load

THREAD = re.compile(r"https://github\.com/[\w.-]+/([\w.-]+)/(?:issues|pull)/(\d+)")
Number = Annotated[str, Field(pattern=r"^\d+(\.\d+){1,2}$")]


class Range(Strict):
    """Versions between two ends, both included; no end means all."""

    first: Number | None = Field(default=None, alias="from")
    last: Number | None = Field(default=None, alias="to")


class Bug(Strict):
    """One known bug.

    `fields` are patterns of the fields whose difference it explains; `effects` is what else it does. `docker`,
    `buildkit` and `client` (buildx) are affected versions; `fixed` is null where no version fixes it. `misses` is true
    where the bug may make a step run although its key is in the cache, and `when` is what else must hold for that.
    `partly` describes a fix of one part.
    """

    name: str
    summary: str
    url: str | None
    fixes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    effects: str | None = None
    misses: bool = False
    when: str | None = None
    docker: tuple[Range, ...] = ()
    buildkit: tuple[Range, ...] = ()
    client: tuple[Range, ...] = ()
    fixed: str | None
    partly: str | None = None
    advice: str

    @property
    def threads(self) -> list[str]:
        """The issue and the pull requests as `buildkit#1330`, the issue first."""
        return [f"{found[1]}#{found[2]}" for url in (self.url, *self.fixes) if url and (found := THREAD.match(url))]

    def affects(self, server: str, *, is_docker: bool = True) -> bool:
        """True if a Docker, or a BuildKit on its own, of that version has the bug; False if it cannot be read."""
        version, ranges = numbers(server), self.docker if is_docker else self.buildkit
        return version is not None and any(covers(item.first, item.last, version) for item in ranges)


class _File(Strict):
    bugs: tuple[Bug, ...]


class Upstream:
    """All known bugs."""

    def __init__(self, boxes: Path) -> None:
        self.bugs = load(boxes / "buildkit" / "upstream.yaml", _File).bugs

    def of_field(self, field: str, docker: str | None = None) -> Bug | None:
        """The bug by which a field of a file is hashed, for one Docker version if given; None if no bug is known."""
        for bug in self.bugs:
            matching = any(fnmatchcase(field, pattern) for pattern in bug.fields)
            if matching and (docker is None or not bug.docker or bug.affects(docker)):
                return bug
        return None

    def named(self, word: str) -> list[Bug]:
        """The bugs of that name, of an issue as `buildkit#1330` or `moby/buildkit#1330`, or of its address."""
        found = THREAD.match(word)
        short = f"{found[1]}#{found[2]}" if found else word.rpartition("/")[2].lower()
        return [bug for bug in self.bugs if short in (bug.name, *bug.threads)]

    def of_engine(self, docker: str) -> list[Bug]:
        """The bugs of the cache itself that a Docker of that version has."""
        return [bug for bug in self.bugs if bug.effects and bug.affects(docker)]
