"""The mode of objects: `mode: {app.txt: "0664"}`."""

from __future__ import annotations

from pydantic import field_validator

from lab.run.changes.kind import ByPath, Shell, octal


class Mode(ByPath):
    """Set the mode of each path, in octal; a symbolic link is followed."""

    @field_validator("root")
    @classmethod
    def _octal(cls, value: dict[str, str]) -> dict[str, str]:
        return {path: octal(mode) for path, mode in value.items()}

    def commands(self) -> list[Shell]:
        """One chmod for each path."""
        return self.each(lambda path, mode: [Shell(("chmod", mode, path))])
