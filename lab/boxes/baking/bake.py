"""Bake the boxes of a recipe: a root tree from Debian's archive, a disk for each variant, Vagrant boxes in the cache.

An interrupted bake removes its work folder as it ends. If it is killed, the next bake removes that folder.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection
from pathlib import Path

from lab.boxes.baking.diskimage import kernel_and_initrd, pack_box, write_disk
from lab.boxes.baking.recipes import Recipe
from lab.boxes.baking.rootfs import label, make_tree
from lab.boxes.baking.workbench import Workbench, open_workbench
from lab.boxes.base import Box, Tell
from lab.errors import ConfigError
from lab.files import hold
from lab.model import Progress
from lab.workers import each, raise_first


def bake(
    recipe: Recipe, *, cache: Path, shell: Box, tell: Tell, only: Collection[str] | None = None
) -> dict[str, Path]:
    """Return the .box file of each of the recipe's boxes; bakes them unless the cache holds them already.

    With `only`, those of these boxes are sufficient: a pack may bring one box of a recipe that makes several.

    A file in `cache` is complete or absent: it is synced to disk under another name and then renamed. So its name
    is sufficient proof, and `up` need not compute a checksum each time. The name holds the recipe's digest. Raises
    HostError for a missing program, space or right, and CommandError with the last lines of a step that failed;
    ConfigError if the recipe makes no image for one of `only`. Waits while another lab bakes the same recipe there.
    """
    cache = cache.absolute()
    if baked(recipe, cache, only):
        return _boxes(recipe, cache, only)
    bench = open_workbench(shell, cache)
    with hold(cache, [recipe.name], "bake", wait=True):
        if not baked(recipe, cache, only):  # another lab may have finished the same bake just before
            with bench.folder(cache / f"work-{recipe.name}") as work:
                _bake(recipe, cache, work, bench, tell)
            _drop_older(cache, files_of(recipe, cache))
    return _boxes(recipe, cache, only)


def kernel_of(recipe: Recipe, cache: Path) -> Path:
    """The kernel of a baked recipe, for the KVM probe; its initrd is in the same folder."""
    return cache / f"{recipe.name}-{recipe.digest}.vmlinuz"


def baked(recipe: Recipe, cache: Path, only: Collection[str] | None = None) -> bool:
    """True if the cache holds every file of the recipe in its current version; with `only`, those of these boxes."""
    return all(path.exists() for path in files_of(recipe, cache, only))


def _boxes(recipe: Recipe, cache: Path, only: Collection[str] | None = None) -> dict[str, Path]:
    made = recipe.file.variants
    if foreign := [name for name in only or () if name not in made]:
        path = recipe.folder / f"{recipe.name}.yaml"
        raise ConfigError(
            f"cannot bake {', '.join(foreign)}: the recipe {recipe.name} has images only for {', '.join(made)}",
            hint=f"name one of these as `variant` in the box's file, or add a variant to {path}",
        )
    names = [name for name in made if only is None or name in only]
    return {name: cache / f"{name}-{recipe.digest}.box" for name in names}


def files_of(recipe: Recipe, cache: Path, only: Collection[str] | None = None) -> list[Path]:
    """The files of a recipe in the cache, baked or not: its boxes (or those in `only`), the kernel and the initrd."""
    kernel = kernel_of(recipe, cache)
    return [*_boxes(recipe, cache, only).values(), kernel, kernel.with_suffix(".initrd")]


def _bake(recipe: Recipe, cache: Path, work: Path, bench: Workbench, tell: Tell) -> None:
    """Make everything in `work` and move it into the cache at the end."""
    tree = make_tree(recipe, work, bench, tell)
    kernel = kernel_of(recipe, cache)
    made = dict(zip(kernel_and_initrd(tree), (kernel, kernel.with_suffix(".initrd")), strict=True))
    # one disk after another, because they share the tree; disks without labels first, because labels stay in the tree
    names = sorted(recipe.file.variants, key=lambda name: recipe.file.variants[name].selinux)
    labelled = False
    for name in names:
        if recipe.file.variants[name].selinux and not labelled:
            tell(Progress(name, "writing SELinux labels"))
            label(recipe, tree, bench)
            labelled = True
        tell(Progress(name, "writing the disk"))
        write_disk(recipe, name, tree, work / name, bench)
    made |= _pack(recipe, names, cache, work, bench, tell)
    for source, target in made.items():
        _keep(source, target)
    for name, path in _boxes(recipe, cache).items():
        tell(Progress(name, f"baked, {path.stat().st_size / 1e6:.0f} MB", done=True))


def _pack(recipe: Recipe, names: list[str], cache: Path, work: Path, bench: Workbench, tell: Tell) -> dict[Path, Path]:
    """Pack the disks side by side; returns the path in the cache for each box."""

    def pack(name: str) -> Path:
        tell(Progress(name, "packing the box"))
        return pack_box(recipe, name, work / name, bench)

    values, errors = each(names, pack)
    raise_first(errors)
    return {values[name]: path for name, path in _boxes(recipe, cache).items()}


def _keep(source: Path, target: Path) -> None:
    """Move a file into the cache so that it is complete or absent there, even after a power cut."""
    part = target.with_name(f".{target.name}.part")
    try:
        if source.suffix == ".box":
            source.replace(part)  # a rename is enough, because the work folder is on the cache's disk
        else:
            shutil.copyfile(source, part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _drop_older(cache: Path, keep: list[Path]) -> None:
    """Remove older files of the same boxes."""
    for path in keep:
        stem = re.escape(path.name.rpartition("-")[0])
        old = re.compile(rf"{stem}-[0-9a-f]{{12}}{re.escape(path.suffix)}")
        for other in cache.iterdir():
            if other != path and old.fullmatch(other.name):
                other.unlink(missing_ok=True)
