"""The names of objects: `rename: {app.txt: web.txt}`."""

from __future__ import annotations

from lab.run.changes.kind import ByPath, InContext, Shell, safe


class Rename(ByPath):
    """Move each path to another path of the context."""

    root: dict[InContext, InContext]

    def commands(self) -> list[Shell]:
        """One mv for each path."""
        return self.each(lambda path, target: [Shell(("mv", path, safe(target)), follows=(target,))], follows=False)
