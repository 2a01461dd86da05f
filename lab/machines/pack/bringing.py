"""Put the files of a pack where lab looks for them: into the cache, under lab's own names.

The names are those that this lab computes from its own recipes and pins. So a manifest never decides where a file goes,
and a pack of other recipes is refused before anything starts.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import __version__
from lab.boxes.baking.bake import files_of
from lab.boxes.baking.recipes import load_recipe
from lab.boxes.base import Tell
from lab.boxes.kinds.table import kind_of as kind_of_box
from lab.boxes.specs import BoxSpec
from lab.engines.kinds.table import kind_of
from lab.engines.stock import Stock
from lab.errors import ConfigError, HostError
from lab.files import disk_error
from lab.machines.catalog import Catalog
from lab.machines.pack.arrival import copy
from lab.machines.pack.manifest import FOLDERS, NEWER, Entry, Sort
from lab.machines.pack.sources import Source
from lab.model import Progress
from lab.project import BUSYBOX, Project

WHO = "pack"
RESERVE = 64 << 20  # bytes that stay free on the disk of the cache


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that lab looks for: its path in a pack, its place in the cache, and whether boxes cannot start without."""

    path: str
    target: Path
    needed: bool


def wanted_files(
    project: Project, catalog: Catalog, stock: Stock, specs: Sequence[BoxSpec], engines: Sequence[str]
) -> list[Wanted]:
    """The files that these boxes use, with these engines instead of those of their files if any are named."""
    found: dict[Path, Wanted] = {}

    def add(target: Path, sort: Sort, *, needed: bool) -> None:
        earlier = found.get(target)
        path = f"{FOLDERS[sort]}/{target.name}"
        found[target] = Wanted(path, target, needed or (earlier is not None and earlier.needed))

    for spec in specs:
        if name := kind_of_box(spec).recipe(spec):
            recipe = load_recipe(project.boxes / "recipes" / f"{name}.yaml")
            for path in files_of(recipe, project.cache / "boxes", [kind_of_box(spec).variant(spec)]):
                add(path, Sort.BOX, needed=True)
        for name in engines or kind_of_box(spec).engines(spec):
            engine = catalog.engine(name)
            parts = stock.parts(engine)
            for part in parts:
                target = stock.target(part)
                if target is None:
                    continue
                # a box may have the base of an engine itself, and those of `at_hand` are used only where they are
                needed = part == parts[-1] and kind_of(engine).needs_archive(engine) and name not in spec.at_hand
                add(target.with_suffix(".json"), Sort.ENGINE, needed=needed)  # an archive without its note is not used
                add(target, Sort.ENGINE, needed=needed)
    add(project.cache / BUSYBOX, Sort.BASE, needed=False)
    return list(found.values())


def bring(source: Source, wanted: Sequence[Wanted], cache: Path, tell: Tell) -> list[Path]:
    """Put the wanted files that the cache does not have there; returns those that were put.

    Raises ConfigError if the pack does not have a needed file or one of its files is damaged, HostError without space.
    """
    known = source.manifest.by_path()
    absent = [item for item in wanted if not item.target.exists()]
    if missing := [item.path for item in absent if item.needed and item.path not in known]:
        raise _other_lab(source, missing)
    coming = [(known[item.path], item.target) for item in absent if item.path in known]
    _check_space(source, [entry for entry, _ in coming], cache)
    folder = source.get([entry for entry, _ in coming], tell)
    total, got = sum(entry.size for entry, _ in coming), 0

    def count(more: int) -> None:
        nonlocal got
        got += more
        tell(Progress(WHO, f"copying into the cache: {got / 1e6:.0f} of {total / 1e6:.0f} MB"))

    for entry, target in coming:
        if source.is_kept:
            copy(folder / entry.path, entry, target, count)
        else:
            _move(folder / entry.path, target)
        if entry.sort is Sort.BASE:
            target.chmod(0o755)
    source.discard()
    tell(Progress(WHO, f"{len(coming)} files are now in the cache, {total / 1e6:.0f} MB", done=True))
    return [target for _, target in coming]


def _other_lab(source: Source, missing: Sequence[str]) -> ConfigError:
    """The error for a pack that was made for other boxes or by a lab with other recipes."""
    more = f", and {len(missing) - 3} more" if len(missing) > 3 else ""
    made = source.manifest.lab
    if made != __version__:
        hint = NEWER.format(wheels=f"{source.name.rstrip('/')}/{FOLDERS[Sort.WHEEL]}").replace(
            "a newer lab", f"lab {made}"
        )
    else:
        hint = "make the pack again with the same recipes and for these boxes: `python -m lab pack DIR --lineup LINEUP`"
    return ConfigError(
        f"cannot use the pack {source.name}: it does not have {', '.join(missing[:3])}{more}; "
        f"it was made by lab {made} for {', '.join(source.manifest.lineups) or 'no lineup'}",
        hint=hint,
    )


def _check_space(source: Source, entries: Sequence[Entry], cache: Path) -> None:
    needed = sum(entry.size for entry in entries) + RESERVE
    try:
        cache.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(cache).free
    except OSError as error:
        raise disk_error(cache, error) from error
    if free < needed:
        raise HostError(
            f"cannot use the pack {source.name}: {free / 1e6:.0f} MB free at {cache}, "
            f"{needed / 1e6:.0f} MB are necessary",
            hint="free some space there, or set LAB_CACHE to a folder on another disk",
        )


def _move(source: Path, target: Path) -> None:
    """Move a file within the cache."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    except OSError as error:
        raise disk_error(target, error) from error
