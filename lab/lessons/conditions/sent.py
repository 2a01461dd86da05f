"""What .dockerignore lets through: `sent: {path: "node_modules/*", sent: false}`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import ClassVar

from lab.errors import ContextError, ReadError
from lab.lessons.conditions.kind import MISSING, Condition, Finding
from lab.lessons.evidence import Evidence
from lab.yamlfile import Strict


class Sent(Condition, Strict):
    """A client sends an object whose path matches the glob `path`, or with `sent: false` none.

    `missing` is the word if the folder itself has no such object.
    """

    UNREADABLE: ClassVar = "unreadable"
    findings: ClassVar = ("sent", "left-out", MISSING, UNREADABLE)

    path: str
    sent: bool = True

    def look(self, evidence: Evidence) -> Finding:
        """Read the folder as a client of Docker does."""
        from lab.buildkit.context import read_context  # late: few exercises need it

        there = [
            name
            for item in sorted(evidence.folder.rglob("*"))
            if fnmatchcase(name := item.relative_to(evidence.folder).as_posix(), self.path)
        ]
        if not there:
            return Finding(False, MISSING, self.path)
        try:
            sent = [entry.path for entry in read_context(evidence.folder) if fnmatchcase(entry.path, self.path)]
        except (ContextError, ReadError) as error:
            return Finding(False, self.UNREADABLE, error.message)
        return Finding(bool(sent) == self.sent, "sent" if sent else "left-out", ", ".join(sent[:3]) or there[0])
