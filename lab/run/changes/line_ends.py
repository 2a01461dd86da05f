"""The line ends of files: `line_ends: {app.txt: crlf}`."""

from __future__ import annotations

from pydantic import field_validator

from lab.run.changes.kind import ByPath, Shell

EXPRESSIONS = {"crlf": r"s/\r*$/\r/", "lf": r"s/\r$//"}


class LineEnds(ByPath):
    """Give each text file line ends of CRLF or LF."""

    @field_validator("root")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        if wrong := next((text for text in value.values() if text not in EXPRESSIONS), None):
            raise ValueError(f"line ends are crlf or lf, not {wrong}")
        return value

    def commands(self) -> list[Shell]:
        """One sed for each file."""
        return self.each(lambda path, ends: [Shell(("sed", "-i", EXPRESSIONS[ends], path))])
