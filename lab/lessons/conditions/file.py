"""A file of the student's folder: `file: {path: run.sh, mode: "0755", like_start: true}`."""

from __future__ import annotations

import os
import stat
from typing import ClassVar

from lab.lessons.conditions.kind import MISSING, Condition, Finding
from lab.lessons.evidence import Evidence
from lab.run.changes.kind import InContext, Octal
from lab.yamlfile import Strict


class File(Condition, Strict):
    """The student's folder has the path with this mode, or with the bytes that the lesson's start folder has.

    With `like_start: false` the bytes differ from those. With `newer: true` its time differs from the start's. With
    `there: false` the path is not in the folder.
    """

    findings: ClassVar = (MISSING, "there", "mode", "changed", "unchanged", "old")

    path: InContext
    mode: Octal | None = None
    like_start: bool | None = None
    newer: bool = False
    there: bool = True

    @property
    def paths(self) -> tuple[str, ...]:
        """The path."""
        return (self.path,)

    def look(self, evidence: Evidence) -> Finding:
        """Look at the file itself, not at what a link points to."""
        path, first = evidence.folder / self.path, evidence.start / self.path
        there = os.path.lexists(path)
        if not there or not self.there:
            return Finding(there == self.there, "there" if there else MISSING, self.path)
        state = path.lstat()
        mode = f"{stat.S_IMODE(state.st_mode):04o}"
        if self.mode and int(mode, 8) != int(self.mode, 8):
            return Finding(False, "mode", mode)
        if self.like_start is not None:
            same = first.is_file() and path.is_file() and first.read_bytes() == path.read_bytes()
            if same != self.like_start:
                return Finding(False, "unchanged" if same else "changed", self.path)
        if self.newer and (not first.exists() or state.st_mtime <= first.lstat().st_mtime):
            return Finding(False, "old", self.path)
        return Finding(True, "as it should be")
