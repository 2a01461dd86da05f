"""The flags of a side's builds: `flag: ["--network=host"]`."""

from __future__ import annotations

from pydantic import ConfigDict, RootModel, field_validator

from lab.run.changes.kind import BuildOptions, Change

OWN = ("--tag", "-t", "--cache-from", "--progress", "--push", "--output", "-o", "--iidfile", "--metadata-file")


class Flag(Change, RootModel[tuple[str, ...]]):
    """Give the later builds of this side these words of `docker build`; those that lab sets itself are refused."""

    model_config = ConfigDict(frozen=True, strict=True)

    @field_validator("root")
    @classmethod
    def _free(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            if not word.startswith("--"):
                raise ValueError(f"a flag is written as --name=value, not {word}")
            if word.partition("=")[0] in OWN:
                raise ValueError(f"lab sets {word.partition('=')[0]} itself")
        return value

    def options(self) -> BuildOptions:
        """The words."""
        return BuildOptions(words=self.root)
