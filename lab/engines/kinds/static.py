"""The kind `static`: an archive of static programs from Docker's site, or from a file that the user added."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from lab.boxes.base import Box, Tell
from lab.engines.archive import place
from lab.engines.download import fetch
from lab.engines.engine import Engine
from lab.engines.kinds.kind import EngineKind, Supply
from lab.engines.spec import EngineSpec, Sha256, Version
from lab.engines.unit import check_control_groups, start_unit
from lab.errors import EngineError


class StaticSpec(EngineSpec):
    """The pin of a static archive.

    `sha256` is null until it is pinned, and `url` is null for a file that the user added; neither may be left out.
    """

    version: Version
    kind: Literal["static"] = "static"
    url: str | None
    sha256: Sha256 | None


class StaticKind(EngineKind[StaticSpec]):
    """Downloaded once, used only if its sum is the pinned one, and run beside any other Docker."""

    schema = StaticSpec
    hints: ClassVar = {
        "sha256": "an archive is not used without its sha256; `sha256: null` states that it has to be pinned first"
    }

    def source(self, spec: StaticSpec) -> str:
        """Docker or the user, and whether the sum is still missing."""
        if spec.sha256 is None:
            return "Docker's archive, to be pinned"
        return "Docker's archive" if spec.url else "a file that you added"

    def sum_of(self, spec: StaticSpec) -> str | None:
        """The pinned sum."""
        return spec.sha256

    def url_of(self, spec: StaticSpec) -> str | None:
        """The pinned address."""
        return spec.url

    def with_sum(self, spec: StaticSpec, sha256: str, url: str | None) -> StaticSpec:
        """The pin with another sum, and the address that the sum belongs to."""
        return spec.model_copy(update={"sha256": sha256, "url": url})

    def target(self, spec: StaticSpec, supply: Supply) -> Path | None:
        """The place that the sum names; None until it is pinned."""
        return place(supply.cache, spec.name, spec.sha256) if spec.sha256 else None

    def without_archive(self, spec: StaticSpec) -> EngineError:
        """The error for a sum that is missing, with the commands that pin it."""
        return EngineError(
            f"cannot use Docker {spec.name}: its archive has no sha256 yet",
            hint=f"python -m lab engines pin {spec.name}, or python -m lab engines add FILE.tgz",
        )

    def make(self, spec: StaticSpec, supply: Supply, target: Path, tell: Tell) -> None:
        """Download it; two labs may do so at once, since each writes a part of its own."""
        if spec.sha256 is None:
            raise self.without_archive(spec)
        fetch(spec.name, spec.url, spec.sha256, target, tell)

    def start(self, box: Box, spec: StaticSpec, supply: Supply, tell: Tell) -> Engine:
        """Run it from its archive."""
        check_control_groups(box, spec)
        return start_unit(box, spec, supply.archives(spec, tell), tell)
