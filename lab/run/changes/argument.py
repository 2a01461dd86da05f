"""The build arguments of a side: `argument: {VERSION: "2"}`."""

from __future__ import annotations

from pydantic import ConfigDict, RootModel

from lab.run.changes.kind import BuildOptions, Change


class Argument(Change, RootModel[dict[str, str]]):
    """Give the later builds of this side these build arguments."""

    model_config = ConfigDict(frozen=True, strict=True)

    def options(self) -> BuildOptions:
        """The arguments."""
        return BuildOptions(arguments=self.root)
