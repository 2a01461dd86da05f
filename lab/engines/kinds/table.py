"""Every kind of engine by the name that its pins use: a new kind is one module in this package and one line here."""

from __future__ import annotations

from typing import Any

from lab.engines.kinds.buildkit_release import BuildkitReleaseKind
from lab.engines.kinds.buildkitd import BuildkitdKind
from lab.engines.kinds.debian import DebianKind
from lab.engines.kinds.distro import DistroKind
from lab.engines.kinds.installed import InstalledKind
from lab.engines.kinds.kind import EngineKind
from lab.engines.kinds.reverted import RevertedKind
from lab.engines.kinds.static import StaticKind
from lab.engines.spec import EngineSpec

KINDS: dict[str, EngineKind[Any]] = {
    "static": StaticKind(),
    "distro": DistroKind(),
    "debian": DebianKind(),
    "reverted": RevertedKind(),
    "buildkitd": BuildkitdKind(),
    "buildkit-release": BuildkitReleaseKind(),
    "installed": InstalledKind(),
}


def kind_of(spec: EngineSpec) -> EngineKind[Any]:
    """The kind of a pin."""
    return KINDS[spec.kind]


def has_docker(spec: EngineSpec) -> bool:
    """True if the engine's client is Docker's."""
    return kind_of(spec).client == "docker"
