"""The owner of objects: `owner: {app.txt: "5:5"}`."""

from __future__ import annotations

from lab.run.changes.kind import ByPath, Shell


class Owner(ByPath):
    """Set the owner of each path and of all below it, as "user:group"; links themselves are changed."""

    def commands(self) -> list[Shell]:
        """One chown for each path, as root."""
        return self.each(lambda path, owner: [Shell(("chown", "-h", "-R", owner, path), root=True)])
