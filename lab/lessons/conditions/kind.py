"""The protocol of a condition: what it looks up in the real state, and the words for what it finds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import ClassVar, TypeVar

from lab.lessons.evidence import Evidence, Made

OTHERWISE = "otherwise"  # the key of the hint for every word that has none of its own
MISSING = "missing"
FAILED = "failed"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a condition found: whether it is met, one word for it, a detail, and whether there is nothing to check."""

    met: bool
    found: str
    detail: str = ""
    nothing: bool = False


class Condition(ABC):
    """One condition. Its value in YAML is checked by the class that also inherits from a pydantic model.

    `findings` are the words for what it finds where it is not met: each can have a hint. `of_folder` is true if it
    looks at nothing but the files that the student edits: then there is nothing to check in a folder as it was copied.
    """

    findings: ClassVar[tuple[str, ...]] = ()
    of_folder: ClassVar[bool] = True

    @property
    def builds(self) -> tuple[str, ...]:
        """The names of the builds of the check that it reads."""
        return ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the student's folder that it reads."""
        return ()

    @abstractmethod
    def look(self, evidence: Evidence) -> Finding:
        """Look at the real state; LabError if the engine does not answer."""


def matching(items: Sequence[tuple[str, T]], pattern: str) -> T | None:
    """The value of the first instruction that is the pattern or matches it as a shell's glob, without regard to case
    of its first word and to blanks.
    """
    wanted = _plain(pattern)
    return next((value for text, value in items if _plain(text) == wanted or fnmatchcase(_plain(text), wanted)), None)


def failure(made: Made) -> Finding | None:
    """The finding for a build that failed; None for one that did not."""
    return Finding(False, FAILED, made.problem) if made.problem else None


def _plain(text: str) -> str:
    word, _, rest = " ".join(text.split()).partition(" ")
    return f"{word.upper()} {rest}".strip()
