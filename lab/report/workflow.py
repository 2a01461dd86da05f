"""GitHub Actions: annotations as workflow commands, and the file that takes a step's summary."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.report import printable

LONGEST_SUMMARY = 1 << 20  # bytes; GitHub refuses a summary that is larger
SUMMARY = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation: its level (`error`, `warning` or `notice`), its message, and the place that it is shown at."""

    level: str
    message: str
    title: str = ""
    file: str = ""
    line: int | None = None

    def __str__(self) -> str:
        """The workflow command; text of any origin can neither end it nor begin another one."""
        line = str(self.line) if self.line is not None and self.file else ""
        parts = {"file": self.file, "line": line, "title": self.title}
        properties = ",".join(f"{name}={_property(value)}" for name, value in parts.items() if value)
        return f"::{self.level}{' ' if properties else ''}{properties}::{_data(self.message)}"


def _data(text: str) -> str:
    """A message, escaped as GitHub's runner reads it; escape codes of a terminal are spelled out."""
    shown = printable.lines(text)
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable.line(text)).replace(":", "%3A").replace(",", "%2C")


def shown_path(path: Path, environ: Mapping[str, str] = os.environ) -> str:
    """The path as GitHub shows a file: from the top of the checkout, where the file is in it."""
    top = environ.get("GITHUB_WORKSPACE")
    try:
        return str(path.resolve().relative_to(Path(top or ".").resolve()))
    except ValueError:
        return str(path)


def summary_of(text: str) -> bytes:
    """A summary as bytes, cut at the end of a line where it would be too long for GitHub."""
    data = text.encode("utf-8", "replace")
    if len(data) < LONGEST_SUMMARY:
        return data + b"\n"
    note = b"\n\nlab cut this summary, which is too long for GitHub.\n"
    return data[: LONGEST_SUMMARY - len(note) - 1].rpartition(b"\n")[0] + note
