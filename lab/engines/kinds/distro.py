"""The kind `distro`: the box's own Debian package; with suite and packages also an archive, for a box without it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from lab.boxes.base import Box, Tell
from lab.engines import packages
from lab.engines.box_docker import has_package, start_package
from lab.engines.engine import Engine
from lab.engines.kinds.kind import EngineKind, Supply
from lab.engines.packages import PackageSpec
from lab.engines.spec import EngineSpec, Version
from lab.engines.unit import check_control_groups, start_unit


class DistroSpec(PackageSpec):
    """The pin of a box's own Docker: its version, and suite and packages if it can also be an archive."""

    version: Version
    kind: Literal["distro"] = "distro"


class DistroKind(EngineKind[DistroSpec]):
    """The package that a box came with; elsewhere lab uses an archive of the same packages."""

    schema = DistroSpec
    may_use_box_docker = True

    def problem(self, spec: DistroSpec, earlier: Mapping[str, EngineSpec]) -> str | None:
        """An archive needs both the suite and the packages."""
        return None if bool(spec.suite) == bool(spec.packages) else "it needs both suite and packages, or neither"

    def source(self, spec: DistroSpec) -> str:
        """The suite, if it is known."""
        return f"Debian {spec.suite}" if spec.suite else "as found"

    def parts(self, spec: DistroSpec, engines: Mapping[str, EngineSpec]) -> tuple[EngineSpec, ...]:
        """Itself, if it can be an archive."""
        return (spec,) if spec.suite else ()

    def target(self, spec: DistroSpec, supply: Supply) -> Path | None:
        """The place that version, suite and packages name; None without a suite."""
        return packages.target_of(spec, supply.cache) if spec.suite else None

    def make(self, spec: DistroSpec, supply: Supply, target: Path, tell: Tell) -> None:
        """Fetch the packages and pack their programs."""
        packages.build_once(spec, supply.cache, supply.shell, tell)

    def needs_archive(self, spec: DistroSpec) -> bool:
        """No: the box may have the package."""
        return False

    def at_hand(self, spec: DistroSpec, supply: Supply) -> bool:
        """Always, on the boxes that it is pinned for."""
        return True

    def start(self, box: Box, spec: DistroSpec, supply: Supply, tell: Tell) -> Engine:
        """Start the box's own package, else the archive if there can be one."""
        if not spec.suite or has_package(box, spec):
            return start_package(box, spec)
        check_control_groups(box, spec)
        return start_unit(box, spec, supply.archives(spec, tell), tell)
