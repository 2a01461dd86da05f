"""Objects that are missing: `remove: [src/b.txt]`."""

from __future__ import annotations

from pydantic import ConfigDict, RootModel

from lab.run.changes.kind import Change, InContext, Shell, safe


class Remove(Change, RootModel[tuple[InContext, ...]]):
    """Remove these paths with all below them."""

    model_config = ConfigDict(frozen=True, strict=True)

    def commands(self) -> list[Shell]:
        """One rm for all paths."""
        return [Shell(("rm", "-rf", *map(safe, self.root)), names=self.root)]
