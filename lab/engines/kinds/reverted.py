"""The kind `reverted`: a base engine with one upstream fix taken back, built from Debian's source.

The build runs in a temporary root and replaces one text of the source. It installs nothing on this machine, and what
it mounts is in a mount namespace of its own. An interrupted build leaves only files in one work folder, which the next
build removes. The archive holds dockerd alone; all other programs are those of its base.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from lab.boxes.baking.apt import AptReader
from lab.boxes.baking.workbench import IN_NAMESPACE, Workbench, not_done, open_workbench
from lab.boxes.base import Box, Tell
from lab.counting import counted
from lab.engines import build_root
from lab.engines.archive import Archive, digest_of, pack, place
from lab.engines.box_docker import has_package
from lab.engines.edits import Edit, replace_once
from lab.engines.engine import Engine
from lab.engines.kinds.kind import EngineKind, Supply
from lab.engines.packages import PackageSpec
from lab.engines.spec import EngineName, EngineSpec, Package, Version, Word, plain
from lab.engines.unit import check_control_groups, start_unit
from lab.errors import ConfigError, EngineError, did_you_mean
from lab.files import hold
from lab.model import Progress
from lab.silence import OUTPUT
from lab.yamlfile import Strict, load

MAKER = "1"  # increased when lab makes another archive from the same recipe
SCRIPTS = (build_root.SCRIPT, "build-dockerd.sh")
PROGRAMS = (*build_root.TOOLS, "mount")
NEEDED_MB = 4000  # measured: 2.8 GB, most of it Go's build cache
BUILD_SECONDS = 7200  # the limit on silence is OUTPUT


class Fix(Strict):
    """An upstream fix that an engine does not have: one sentence, and the places where it was made."""

    summary: str
    urls: tuple[str, ...] = Field(min_length=1)


class RevertedSpec(EngineSpec):
    """The pin of a reverted engine: the base that it is made from, and the fix that is taken back."""

    version: Version
    kind: Literal["reverted"] = "reverted"
    base: EngineName
    fix: Fix

    @property
    def mark(self) -> str:
        """What follows the name of its base, such as "unfixed"; it is the end of the engine's version too."""
        return self.listed_name.removeprefix(f"{self.base}-")


class RevertedKind(EngineKind[RevertedSpec]):
    """Built once, which takes minutes; it runs with the other programs of its base."""

    schema = RevertedSpec
    is_release = False
    is_slow_to_make = True

    def problem(self, spec: RevertedSpec, earlier: Mapping[str, EngineSpec]) -> str | None:
        """The base must be pinned before it, be made of packages, and agree in version and name."""
        base = earlier.get(spec.base)
        if base is None:
            return f'its base "{spec.base}" must be listed before it{did_you_mean(spec.base, list(earlier))}'
        if not (isinstance(base, PackageSpec) and base.suite):
            return f"its base {base.name} needs suite and packages"
        if base.version != spec.version:
            return f"its version is {spec.version}, but the version of its base is {base.version}"
        return None if spec.name.startswith(f"{base.name}-") else f"its name must begin with {base.name}-, as its base"

    def source(self, spec: RevertedSpec) -> str:
        """The base."""
        return f"{spec.base} without a fix"

    def parts(self, spec: RevertedSpec, engines: Mapping[str, EngineSpec]) -> tuple[EngineSpec, ...]:
        """Its base and itself."""
        return (engines[spec.base], spec)

    def target(self, spec: RevertedSpec, supply: Supply) -> Path | None:
        """The place that the recipe names."""
        return target_of(spec, supply.recipes, supply.cache)

    def make(self, spec: RevertedSpec, supply: Supply, target: Path, tell: Tell) -> None:
        """Build it, unless another process of lab has just done so."""
        with hold(supply.cache, [f"engine-{spec.name}"], "engine", wait=True):
            if not target.exists():
                build(spec, supply.recipes, supply.cache, supply.shell, tell)

    def start(self, box: Box, spec: RevertedSpec, supply: Supply, tell: Tell) -> Engine:
        """Run it with the package that the box has, if that is the one it was made from, else with its base."""
        check_control_groups(box, spec)
        alone = has_package(box, spec)
        archives = [supply.archive(spec, tell)] if alone else supply.archives(spec, tell)
        return start_unit(box, spec, archives, tell)


class Reversion(Strict):
    """The recipe of a reverted engine: Debian's source package of a suite, and the edits to it."""

    name: str
    source: Package
    suite: Word
    components: tuple[Word, ...] = Field(default=("main",), min_length=1)
    edits: tuple[Edit, ...] = Field(min_length=1)


def recipe_of(spec: RevertedSpec, recipes: Path) -> Reversion:
    """The recipe of a reverted engine, boxes/engines/NAME.yaml; ConfigError if it is missing or wrong."""
    path = recipes / f"{spec.name}.yaml"
    recipe = load(path, Reversion)
    if recipe.name != spec.name:
        raise ConfigError(f'cannot use {path}: its name is "{recipe.name}", but the file is named "{spec.name}"')
    return recipe


def target_of(spec: RevertedSpec, recipes: Path, cache: Path) -> Path:
    """Where the archive of a reverted engine lies, built or not; its name contains the recipe's digest."""
    recipe = recipe_of(spec, recipes)
    try:
        scripts = [(recipes / name).read_text(encoding="utf-8") for name in SCRIPTS]
    except OSError as error:
        raise ConfigError(f"cannot read {error.filename}: {error.strerror}") from error
    return place(cache, spec.name, digest_of(MAKER, spec.version, recipe.model_dump_json(), *scripts))


def build(spec: RevertedSpec, recipes: Path, cache: Path, shell: Box, tell: Tell) -> Archive:
    """Build the engine now and put its archive into the cache.

    It takes about two minutes on two cores, and 3 GB of disk during that time. Raises HostError if a program, a right
    or disk space is missing or Debian's archive does not answer, EngineError if the source has another version or is
    not what the recipe expects, and CommandError with the last lines of a step that failed.
    """
    recipe = recipe_of(spec, recipes)
    target = target_of(spec, recipes, cache)
    who = f"engine {spec.name}"
    bench = open_workbench(
        shell, target.parent, task=f"build Docker {spec.name}", programs=PROGRAMS, needed_mb=NEEDED_MB
    )
    with bench.folder(target.parent / f"work-{spec.name}") as work:
        reader = AptReader(who, tell)
        root = build_root.make(recipe.source, recipe.suite, recipe.components, recipes, work, bench, reader)
        source = root / build_root.SOURCE
        version = _check_version(spec, source)
        tell(Progress(who, "taking the fix back"))
        for number, edit in enumerate(recipe.edits):
            _edit(edit, source, work / f"edit-{number}", bench)
        _compile(spec, recipes, root, bench, tell)
        tell(Progress(who, "packing the archive"))
        (work / "archive" / "docker").mkdir(parents=True)
        made = work / "archive" / "docker" / "dockerd"
        bench.check("cp", root / "build" / "dockerd", made, doing="take dockerd out of the root")
        archive = pack(work / "archive", target, {recipe.source: version})
    tell(Progress(who, f"built, {target.stat().st_size / 1e6:.0f} MB", done=True))
    return archive


def _check_version(spec: RevertedSpec, source: Path) -> str:
    """The version of the source package; EngineError if it is not the pinned one."""
    head = (source / "debian" / "changelog").read_text(encoding="utf-8").partition("\n")[0]
    match = re.match(r"\S+ \((?:\d+:)?([^)]+)\)", head)
    version = match[1] if match else head
    if plain(version) != spec.version:
        raise EngineError(
            f"cannot build Docker {spec.name}: Debian's archive has the source of {version}, the pin is {spec.version}",
            hint="an archive built earlier can still be used; else change boxes/engines.yaml to the available version",
        )
    return version


def _edit(edit: Edit, source: Path, scratch: Path, bench: Workbench) -> None:
    """Replace the one text; EngineError unless the files hold it exactly once."""
    path, text = replace_once(edit, source)
    scratch.write_text(text, encoding="utf-8")
    bench.check("cp", "--no-preserve=mode,ownership", scratch, path, doing="write the edited source", root=True)


def _compile(spec: RevertedSpec, recipes: Path, root: Path, bench: Workbench, tell: Tell) -> None:
    """Build dockerd in the root; its /dev and /proc are mounted in a mount namespace only."""
    who, count = f"engine {spec.name}", 0

    def count_packages(stream: str, data: bytes) -> None:
        nonlocal count
        count += len(re.findall(rb"^[a-z][\w.~-]*(?:/\S+)*$", data, re.MULTILINE)) if stream == "stderr" else 0
        tell(Progress(who, f"compiling ({counted(count, 'package')} done)"))

    script = root / "build" / SCRIPTS[1]
    bench.check("cp", recipes / SCRIPTS[1], script, doing="put the build script into the root", root=True)
    inside = 'mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" && exec chroot "$1" sh "$2" "$3"'
    result = bench.run(
        *(*IN_NAMESPACE, "sh", "-c", inside, "sh"),
        *(root, f"/build/{SCRIPTS[1]}", spec.mark),
        root=True,
        timeout=BUILD_SECONDS,
        silence=OUTPUT,
        on_output=count_packages,
    )
    if not result.ok:
        raise not_done(result, bench.task, "compile it")
