"""The kind `buildkitd`: BuildKit's own daemon and client, without Docker, built from Debian's source packages.

Both programs are static. The archive also holds runc, which runs the containers, and the library that it needs.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from lab.boxes.base import Box, Tell
from lab.engines import gosource, host
from lab.engines.archive import TOP, pack, place
from lab.engines.buildkitd import BuildkitDaemon
from lab.engines.debian_files import sums_of
from lab.engines.engine import Engine
from lab.engines.kinds.kind import EngineKind, Supply
from lab.engines.kinds.reverted import Fix
from lab.engines.packages import libraries_of
from lab.engines.spec import EngineSpec, Version
from lab.engines.unit import start_unit
from lab.files import hold
from lab.model import Progress
from lab.versions import OTHER_RULES

PREFIX = "buildkit-"
RUNC = "usr/sbin/runc"
S = TypeVar("S", bound=EngineSpec)


class BuildkitdSpec(EngineSpec):
    """The pin of a BuildKit: its version, and the fix that is taken back, if there is one.

    Its name is buildkit-VERSION, followed by a mark if it is changed: by that of a fix that is taken back, or by as-R1
    if it was made to hash by rule set R1.
    """

    version: Version
    kind: Literal["buildkitd"] = "buildkitd"
    fix: Fix | None = None

    @property
    def mark(self) -> str:
        """What follows the version in its name, such as "unfixed"; it is the end of the engine's own version too."""
        return self.name.removeprefix(f"{PREFIX}{self.version}").removeprefix("-")

    @property
    def obeys(self) -> str | None:
        """The rule set by which it was made to hash, whatever its version does; None for any other engine."""
        found = OTHER_RULES.fullmatch(self.name)
        return found[2] if found else None


class StandaloneKind(EngineKind[S]):
    """A BuildKit without Docker, which has a client of its own, buildctl."""

    daemon = "buildkitd"
    client = "buildctl"
    is_release = False  # it is no version of Docker

    def may_have_buildx(self, spec: S) -> bool:
        """True: lab brings it if a builder needs it."""
        return True

    def start(self, box: Box, spec: S, supply: Supply, tell: Tell) -> Engine:
        """Run it from its archive, as a systemd unit."""
        return start_unit(box, spec, supply.archives(spec, tell), tell, BuildkitDaemon)

    def start_here(self, box: Box, spec: S, supply: Supply, state: Path, tell: Tell) -> Engine:
        """Run it on this machine from its archive."""
        host.check_host(spec, ())  # before any download
        return host.start(box, spec, supply.archives(spec, tell), state, tell, BuildkitDaemon)


class BuildkitdKind(StandaloneKind[BuildkitdSpec]):
    """Built once, which takes minutes."""

    schema = BuildkitdSpec
    is_slow_to_make = True
    hints: ClassVar = {"version": "the version of BuildKit, such as 0.25.2"}

    def problem(self, spec: BuildkitdSpec, earlier: Mapping[str, EngineSpec]) -> str | None:
        """The name must state the version, and have a mark if and only if the engine is changed."""
        plain = f"{PREFIX}{spec.version}"
        if spec.name != plain and not spec.name.startswith(f"{plain}-"):
            return f"its name must begin with {plain}"
        if spec.obeys:
            same = spec.mark == f"as-{spec.rules}" and not (spec.fix or spec.xattrs)
            return None if same else f"it must have rules: {spec.obeys}, and neither fix nor xattrs, as its name says"
        if bool(spec.fix) != bool(spec.mark):
            return f"without a fix its name is {plain}" if spec.mark else f"its name must say more than {plain}"
        return None

    def source(self, spec: BuildkitdSpec) -> str:
        """The version, and what is changed."""
        if spec.obeys:
            return f"Debian's source, changed to hash as {spec.obeys}: no version"
        return f"Debian's source{', without a fix' if spec.fix else ''}"

    def target(self, spec: BuildkitdSpec, supply: Supply) -> Path | None:
        """The place that the recipe names."""
        recipe = gosource.recipe_of(spec.name, supply.recipes)
        return place(supply.cache, spec.name, gosource.digest(recipe, supply.recipes))

    def make(self, spec: BuildkitdSpec, supply: Supply, target: Path, tell: Tell) -> None:
        """Build it, unless another process of lab has just done so; waits while that one is working."""
        with hold(supply.cache, [f"engine-{spec.name}"], "engine", wait=True):
            if not target.exists():
                _build(spec, supply, target, tell)


def version_of(spec: BuildkitdSpec) -> str:
    """The version that the programs state: Debian's build, and the mark of a change."""
    return f"v{spec.version}+debian{f'-{spec.mark}' if spec.mark else ''}"


def _build(spec: BuildkitdSpec, supply: Supply, target: Path, tell: Tell) -> None:
    recipe = gosource.recipe_of(spec.name, supply.recipes)
    bench = gosource.bench_for(recipe, target.parent, supply.shell)
    who = f"engine {spec.name}"
    with bench.folder(target.parent / f"work-{spec.name}") as work:
        root = gosource.build(recipe, supply.recipes, version_of(spec), work, bench, tell)
        tell(Progress(who, "packing the archive"))
        programs = work / "archive" / TOP
        programs.mkdir(parents=True)
        for path in (*(root / "out" / Path(name).name for name in recipe.programs), root / RUNC):
            shutil.copy2(path, programs / path.name)
        for name, path in libraries_of(spec.name, programs, root / "usr" / "lib").items():
            (programs / "lib").mkdir(exist_ok=True)
            shutil.copyfile(path, programs / "lib" / name)
        pack(work / "archive", target, _versions(sums_of(recipe, supply.recipes)), BuildkitdKind.daemon)
    tell(Progress(who, f"built, {target.stat().st_size / 1e6:.0f} MB", done=True))


def _versions(sums: Mapping[str, str]) -> dict[str, str]:
    """The version of each package, by its name, from the names of the files."""
    names = (Path(name).name.split("_") for name in sums if name.endswith(".deb"))
    return {name: version for name, version, _ in names}
