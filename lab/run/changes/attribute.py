"""Extended attributes of objects: `attribute: {app.txt: {user.lab: "1"}}`."""

from __future__ import annotations

from pydantic import ConfigDict, RootModel

from lab.run.changes.kind import Change, InContext, Shell, safe

ROOT = ("security.", "trusted.")  # namespaces that only root may write


class Attribute(Change, RootModel[dict[InContext, dict[str, str | None]]]):
    """Set the extended attributes of each path; null removes one. A value that begins with 0x is bytes in hex.

    Other values are written as they are, without a final NUL.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    def commands(self) -> list[Shell]:
        """One setfattr for each attribute; links themselves are changed."""
        return [
            Shell(("setfattr", "-h", *_words(name, value), safe(path)), root=name.startswith(ROOT), names=(path,))
            for path, attributes in self.root.items()
            for name, value in attributes.items()
        ]


def _words(name: str, value: str | None) -> tuple[str, ...]:
    if value is None:
        return ("-x", name)
    return ("-n", name, "-v", value) if value else ("-n", name)
