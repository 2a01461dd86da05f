"""The kind `debian`: Debian's packages of a suite as an archive, for any box; a box that has them uses its own."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from lab.boxes.base import Box, Tell
from lab.engines import packages
from lab.engines.box_docker import has_package, start_package
from lab.engines.engine import Engine
from lab.engines.kinds.kind import EngineKind, Supply
from lab.engines.packages import PackageSpec
from lab.engines.spec import Package, Version, Word
from lab.engines.unit import check_control_groups, start_unit


class DebianSpec(PackageSpec):
    """The pin of Debian's Docker: its version, the suite that has it, and the packages of the archive."""

    version: Version
    kind: Literal["debian"] = "debian"
    suite: Word
    packages: tuple[Package, ...] = Field(min_length=1)


class DebianKind(EngineKind[DebianSpec]):
    """The box's own package where it has that version, else an archive made of the packages."""

    schema = DebianSpec
    may_use_box_docker = True

    def source(self, spec: DebianSpec) -> str:
        """The suite."""
        return f"Debian {spec.suite}"

    def target(self, spec: DebianSpec, supply: Supply) -> Path | None:
        """The place that version, suite and packages name."""
        return packages.target_of(spec, supply.cache)

    def make(self, spec: DebianSpec, supply: Supply, target: Path, tell: Tell) -> None:
        """Fetch the packages and pack their programs."""
        packages.build_once(spec, supply.cache, supply.shell, tell)

    def start(self, box: Box, spec: DebianSpec, supply: Supply, tell: Tell) -> Engine:
        """Start the box's own package, else the archive."""
        if has_package(box, spec):
            return start_package(box, spec)
        check_control_groups(box, spec)
        return start_unit(box, spec, supply.archives(spec, tell), tell)
