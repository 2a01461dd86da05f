"""buildx for a BuildKit without Docker: the program of Debian's package, in an archive beside the engine's own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

from lab.boxes.baking.workbench import open_workbench
from lab.boxes.base import Box, Tell
from lab.engines.archive import TOP, Archive, digest_of, open_archive, pack, place
from lab.engines.debian_files import TOOLS, DebianFiles, check_machine, fetch, recipe_named, sums_of, text_of
from lab.errors import EngineError
from lab.files import hold
from lab.model import Progress

NAME = "buildx-0.29.1"  # its recipe is boxes/engines/NAME.yaml
PROGRAM = "cli-plugins/docker-buildx"  # in the archive; it runs without Docker's client too
PACKAGED = Path("usr/libexec/docker/cli-plugins/docker-buildx")
MAKER = "1"  # increased when lab makes another archive from the same package
NEEDED_MB = 300  # measured: 14 MB of package, 70 MB unpacked, 21 MB of archive


class Supply(Protocol):
    """Where recipes and archives are, and the shell of this machine; lab/engines/stock.py has them."""

    recipes: Path
    cache: Path
    shell: Box


def target_of(supply: Supply) -> Path:
    """Where the archive lies, made or not."""
    recipe = recipe_named(NAME, supply.recipes, DebianFiles)
    digest = digest_of(MAKER, recipe.model_dump_json(), text_of(supply.recipes / recipe.files))
    return place(supply.cache, NAME, digest)


def archive(supply: Supply, tell: Tell) -> Archive:
    """The archive with buildx, made if the cache does not have it.

    Raises HostError if a program is missing or Debian's archive does not answer, EngineError if the package is no
    longer there or is not for this machine. Waits while another process of lab makes it.
    """
    target = target_of(supply)
    if not target.exists():
        with hold(supply.cache, [f"engine-{NAME}"], "engine", wait=True):
            if not target.exists():
                _make(supply, target, tell)
    return open_archive(target, daemon=PROGRAM)


def _make(supply: Supply, target: Path, tell: Tell) -> None:
    recipe = recipe_named(NAME, supply.recipes, DebianFiles)
    check_machine(recipe)
    who = f"engine {NAME}"
    bench = open_workbench(
        supply.shell, target.parent, task=f"fetch {NAME}", programs=TOOLS, needed_mb=NEEDED_MB, root=False
    )
    with bench.folder(target.parent / f"work-{NAME}") as work:
        tell(Progress(who, "fetching Debian's package"))
        sums = sums_of(recipe, supply.recipes)
        fetch(recipe, sums, work / "files", bench)
        (deb,) = (work / "files" / Path(name).name for name in sums)
        bench.check("dpkg-deb", "-x", deb, work / "tree", doing=f"unpack {deb.name}")
        source = work / "tree" / PACKAGED
        if not source.is_file():
            raise EngineError(f"cannot make {NAME}: {deb.name} has no {PACKAGED}")
        program = work / "archive" / TOP / PROGRAM
        program.parent.mkdir(parents=True)
        shutil.copy2(source, program)
        name, version, _ = deb.name.split("_")
        pack(work / "archive", target, {name: version}, PROGRAM)
    tell(Progress(who, f"fetched from Debian, {target.stat().st_size / 1e6:.0f} MB", done=True))
