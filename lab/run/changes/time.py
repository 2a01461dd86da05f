"""The time of objects: `time: {app.txt: "2001-02-03 04:05:06"}`."""

from __future__ import annotations

from lab.run.changes.kind import ByPath, Shell


class Time(ByPath):
    """Set the modification time of each path, in a form that `touch -d` takes; links themselves are changed."""

    def commands(self) -> list[Shell]:
        """One touch for each path."""
        return self.each(lambda path, time: [Shell(("touch", "-h", "-d", time, path))], follows=False)
