"""The content of files: `text: {app.txt: "one line"}`."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath

from lab.run.changes.kind import ByPath, Shell, script


class Text(ByPath):
    """Write each file with that text, which makes missing folders; the mode of a file that exists stays."""

    def commands(self) -> list[Shell]:
        """One script for each file."""
        return self.each(lambda path, text: [writing(path, text, ">")])


def writing(path: str, text: str, arrow: str) -> Shell:
    """Return the script that writes or appends a text to a file."""
    folder = str(PurePosixPath(path).parent)
    make = "" if folder == "." else f"mkdir -p {shlex.quote(folder)} && "
    return script(f"{make}printf %s {shlex.quote(text)} {arrow} {shlex.quote(path)}")
