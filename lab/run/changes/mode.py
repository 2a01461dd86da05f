"""The mode of objects: `mode: {app.txt: "0664"}`."""

from __future__ import annotations

from lab.run.changes.kind import ByPath, InContext, Octal, Shell


class Mode(ByPath):
    """Set the mode of each path, in octal; a symbolic link is followed."""

    root: dict[InContext, Octal]

    def commands(self) -> list[Shell]:
        """One chmod for each path."""
        return self.each(lambda path, mode: [Shell(("chmod", mode, path))])
