"""What a pack is made for, and one file that goes into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.boxes.base import Box, Tell
from lab.boxes.specs import BoxSpec
from lab.engines.stock import Stock
from lab.machines.catalog import Catalog
from lab.machines.pack.manifest import Sort
from lab.project import Project


@dataclass(frozen=True, slots=True)
class Item:
    """A file of this machine, its path in the pack, its sort, and what it belongs to (a box, an engine, a release)."""

    source: Path
    path: str
    sort: Sort
    about: str


@dataclass(frozen=True)
class Request:
    """What a pack is made for.

    `specs` are the boxes, `engines` the engines instead of those of their files, `suites` releases of Debian, `pythons`
    versions of Python beside this one, and `lessons` numbers or names of lessons (empty: all). `staging` is a folder of
    the cache for what is downloaded or built only for packs. `shell` is this machine's.
    """

    project: Project
    catalog: Catalog
    stock: Stock
    shell: Box
    tell: Tell
    specs: Sequence[BoxSpec]
    engines: Sequence[str] = ()
    suites: Sequence[str] = ()
    pythons: Sequence[str] = ()
    lessons: Sequence[str] = ()

    @property
    def staging(self) -> Path:
        """The folder of the cache for what is downloaded or built only for packs."""
        return self.project.cache / "pack"


def tree(folder: Path, top: str, sort: Sort, about: str) -> list[Item]:
    """Every plain file below a folder, hidden ones left out, to be put below `top` in the pack."""
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not path.is_symlink() and not any(part.startswith(".") for part in parts):
            found.append(Item(path, "/".join((top, *parts)), sort, about))
    return found
