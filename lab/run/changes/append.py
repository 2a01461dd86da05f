"""Text after the end of files: `append: {Dockerfile: "# a comment"}`."""

from __future__ import annotations

from lab.run.changes.kind import ByPath, Shell
from lab.run.changes.text import writing


class Append(ByPath):
    """Append the text and a line feed to each file; a missing file is made."""

    def commands(self) -> list[Shell]:
        """One script for each file."""
        return self.each(lambda path, text: [writing(path, f"{text}\n", ">>")])
