"""The commands of a transcript as the page needs them: typed, and tolerant of what it cannot use."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

# The first of these words after `docker` says what a command is about.
VERBS = {"build": "build", "push": "push", "prune": "prune", "import": "prepare", "pull": "prepare"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One command on one box; `line` is its line in transcript.jsonl, `start` seconds since 1970."""

    line: int
    box: str
    about: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str | None
    exit: int
    stdout: str
    stderr: str
    start: float
    seconds: float

    @property
    def end(self) -> float:
        """When it ended, in seconds since 1970."""
        return self.start + self.seconds

    @property
    def kind(self) -> str:
        """`build`, `push`, `prune`, or `prepare` for all that is done around them."""
        words = iter(self.argv)
        if not any(PurePosixPath(word).name == "docker" for word in words):
            return "prepare"
        return next((VERBS[word] for word in words if word in VERBS), "prepare")


def entries(transcript: Sequence[Any]) -> tuple[list[Entry], int]:
    """The entries that are commands, in order, and how many were none; the file's first line is its heading."""
    found = [_entry(line, raw) for line, raw in enumerate(transcript, 2)]
    kept = [entry for entry in found if entry]
    return kept, len(found) - len(kept)


def _entry(line: int, raw: Any) -> Entry | None:
    try:
        started = datetime.fromisoformat(raw["started"])
        lasted = float(raw["seconds"])
        if started.tzinfo is None or not (math.isfinite(lasted) and lasted >= 0):
            return None
        return Entry(
            line=line,
            box=str(raw["box"]),
            about=str(raw["about"]),
            argv=tuple(str(word) for word in raw["argv"]),
            env={str(name): str(value) for name, value in raw["env"].items()},
            cwd=None if raw["cwd"] is None else str(raw["cwd"]),
            exit=int(raw["exit"]),
            stdout=_text(raw["stdout"]),
            stderr=_text(raw["stderr"]),
            start=started.timestamp(),
            seconds=lasted,
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _text(value: Any) -> str:
    """Output as text; what is not UTF-8 was stored as base64 and is shown with replacement signs."""
    if isinstance(value, str):
        return value
    try:
        return base64.b64decode(value["base64"], validate=True).decode("utf-8", "replace")
    except binascii.Error as error:
        raise ValueError(str(error)) from error
