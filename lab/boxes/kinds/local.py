"""The kind `local`: this machine."""

from __future__ import annotations

from typing import Literal

from lab.boxes.base import Box
from lab.boxes.kinds.kind import BoxKind
from lab.boxes.local import LocalBox
from lab.boxes.specs import BoxSpec
from lab.project import Project


class LocalSpec(BoxSpec):
    """This machine; where lab may (Linux, root) it runs the engines in `private` itself instead of `engines`."""

    kind: Literal["local"]
    private: tuple[str, ...] = ()


class LocalKind(BoxKind[LocalSpec]):
    """The machine that lab runs on: commands are its child processes."""

    schema = LocalSpec

    def open(self, spec: LocalSpec, project: Project) -> Box:
        """This machine, under the name of the file."""
        return LocalBox(spec.name)

    def engines(self, spec: LocalSpec) -> tuple[str, ...]:
        """Those that lab runs itself, too."""
        return (*super().engines(spec), *spec.private)
