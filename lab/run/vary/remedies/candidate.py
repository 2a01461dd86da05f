"""A change of a project that may let a difference hit: what both sides then have, and the diff that a user sees."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lab.explain.remedies.remedy import Sides
from lab.run.changes.kind import Change
from lab.run.vary.axis import Scene, Variant


@dataclass(frozen=True, slots=True)
class Candidate:
    """One remedy before it was tried.

    `axes` are those that it may cure. `dockerfile` is what both sides build, None for the same as before, and `prepare`
    what both sides change in their context. `after` is what only the side with the difference does after it. `spares`
    names a variable: the steps before the first that names it must hit. `own` is
    the name of a stage that the remedy adds, whose steps need not hit. `before` and `text_after` are a file as the user
    has it and with the remedy, and `file` is its name.
    """

    name: str
    text: str
    axes: tuple[str, ...]
    dockerfile: str | None = None
    prepare: tuple[Change, ...] = ()
    after: tuple[Change, ...] = ()
    spares: str | None = None
    own: str | None = None
    file: str = "Dockerfile"
    before: str = ""
    text_after: str = ""
    caution: str | None = None

    @property
    def diff(self) -> str:
        """The difference of the file as a unified diff; empty for a remedy that changes no file."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.text_after.splitlines(keepends=True),
            f"a/{self.file}" if self.before else "/dev/null",
            f"b/{self.file}",
        )
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Missed:
    """An axis that misses, with the variant that does, and the first instruction that misses."""

    name: str
    variant: Variant
    step: str


@dataclass(frozen=True, slots=True)
class Ground:
    """What remedies are made from: the scene, the Dockerfile as the user has it, and the axes that miss.

    `tool` comes before each command in a base image that has only busybox. `ignored` is the text of the ignore file and
    `ignore_place` where the box has it, relative to the context. `sides` has the files of both sides for axes of files.
    """

    scene: Scene
    user_text: str
    missed: Sequence[Missed]
    tool: str = ""
    ignored: str = ""
    sides: Mapping[str, Sides] = field(default_factory=dict)
    ignore_place: str = ".dockerignore"

    def among(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return which of these axes miss."""
        return tuple(item.name for item in self.missed if item.name in names)
