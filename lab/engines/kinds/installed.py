"""The kind `installed`: the Docker that a box has, of any version, as it is found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from lab.boxes.base import Box, Tell
from lab.engines.box_docker import find_running
from lab.engines.engine import Engine
from lab.engines.kinds.kind import EngineKind, Supply
from lab.engines.spec import EngineSpec


class InstalledSpec(EngineSpec):
    """The pin of an unknown Docker: no version, no source."""

    version: None = None
    kind: Literal["installed"] = "installed"


class InstalledKind(EngineKind[InstalledSpec]):
    """Used as it is found: never started, changed or copied."""

    schema = InstalledSpec
    may_use_box_docker = True

    def source(self, spec: InstalledSpec) -> str:
        """Unknown."""
        return "as found"

    def parts(self, spec: InstalledSpec, engines: Mapping[str, EngineSpec]) -> tuple[EngineSpec, ...]:
        """None: it cannot be an archive."""
        return ()

    def target(self, spec: InstalledSpec, supply: Supply) -> Path | None:
        """None: it cannot be an archive."""
        return None

    def make(self, spec: InstalledSpec, supply: Supply, target: Path, tell: Tell) -> None:
        """It cannot be made."""
        raise self.without_archive(spec)

    def needs_archive(self, spec: InstalledSpec) -> bool:
        """No: the box has it."""
        return False

    def start(self, box: Box, spec: InstalledSpec, supply: Supply, tell: Tell) -> Engine:
        """Find the Docker that answers."""
        return find_running(box, spec)
