"""Commands of any kind, where no other change says it: `commands: {run: [[sh, -c, ..]], root: true}`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from lab.run.changes.kind import Change, Shell
from lab.yamlfile import Strict


class Commands(Change, Strict):
    """Run these commands in the context; a scenario that uses them is marked as one with free commands."""

    any_command: ClassVar[bool] = True

    run: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...]
    root: bool = False

    def commands(self) -> list[Shell]:
        """The commands as written."""
        return [Shell(argv, self.root) for argv in self.run]
