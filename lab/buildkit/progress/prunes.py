"""Prunes of images and build cache in a log: what a later build cannot find any more."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.buildkit.progress.lines import Lines

# docker system, image and builder prune end with the first line, buildx prune with the second below its table
_DOCKER = re.compile(r"Total reclaimed space: \S+")
_TABLE = re.compile(r"\bID\s+RECLAIMABLE\s+SIZE\b")
_BUILDX = re.compile(r"\bTotal:\s+[\d.]+\s*[kKMGT]?B\s*$")
LONGEST = 400  # characters of a line; those of a prune are short


@dataclass(frozen=True, slots=True)
class Prune:
    """One prune that removed something: the number of its last line, from 1, and what that line says of the space."""

    line: int
    text: str


class Prunes:
    """Finds the prunes of a log, read piece by piece."""

    def __init__(self) -> None:
        self.found: list[Prune] = []
        self._lines = Lines()
        self._number = 0
        self._in_table = False

    def feed(self, data: bytes) -> None:
        """Take more of the log."""
        self._take(self._lines.feed(data))

    def flush(self) -> None:
        """Take the log as ended."""
        self._take(self._lines.flush())

    def _take(self, lines: list[str]) -> None:
        for line in lines:
            self._number += 1
            if len(line) > LONGEST or not (self._in_table or "recl" in line or "RECL" in line):
                continue  # almost every line
            self._in_table = self._in_table or bool(_TABLE.search(line))
            end = _DOCKER.search(line) or (_BUILDX.search(line) if self._in_table else None)
            if end:
                self._in_table = False
                text = " ".join(end[0].split())
                if not text.endswith(" 0B"):
                    self.found.append(Prune(self._number, text))
