"""Hard links: `hard_link: {other.txt: app.txt}`."""

from __future__ import annotations

from lab.run.changes.kind import ByPath, InContext, Shell, safe


class HardLink(ByPath):
    """Make each path another name of a file of the context; what was there is removed."""

    root: dict[InContext, InContext]

    def commands(self) -> list[Shell]:
        """One ln for each path."""
        return self.each(lambda path, first: [Shell(("ln", "-f", safe(first), path), follows=(first,))])
