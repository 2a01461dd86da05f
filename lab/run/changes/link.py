"""Symbolic links: `link: {app.txt: real.txt}`."""

from __future__ import annotations

from lab.run.changes.kind import ByPath, Shell


class Link(ByPath):
    """Make each path a symbolic link with that text; what was there is removed."""

    def commands(self) -> list[Shell]:
        """One removal and one ln for each path."""
        return self.each(
            lambda path, text: [Shell(("rm", "-rf", path)), Shell(("ln", "-s", "--", text, path))], follows=False
        )
