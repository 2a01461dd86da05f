"""Recipes of the boxes that lab bakes: what goes into a root tree, and the images made of it."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field

from lab.errors import ConfigError
from lab.yamlfile import Strict, load

Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]*$")]
SCRIPTS = ("before-packages.sh", "after-packages.sh", "label.sh")
BAKER = "1"  # goes up when lab/bake.py makes other images of the same recipe


class Variant(Strict):
    """One image of the tree: with SELinux labels or without, and its own kernel arguments."""

    selinux: bool
    kernel_arguments: str


class _File(Strict):
    name: Word
    suite: Word
    components: tuple[Word, ...] = ("main",)
    packages: tuple[Word, ...] = Field(min_length=1)
    kernel_arguments: str
    enable: tuple[str, ...] = ()
    mask: tuple[str, ...] = ()
    disk_gb: int = Field(default=12, ge=3, le=500)
    variants: dict[Word, Variant] = Field(min_length=1)


class Recipe:
    """A recipe file with the scripts beside it; `digest` names its content."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = load(path, _File)
        if path.stem != self.file.name:
            raise ConfigError(f'cannot use {path}: its name is "{self.file.name}", its file says "{path.stem}"')

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.file.name

    def script(self, name: str) -> Path:
        """One of the scripts that work on the tree."""
        return self.path.parent / name

    @cached_property
    def digest(self) -> str:
        """Twelve hex digits over all that decides what the images hold: the recipe, its scripts, the baker."""
        total = hashlib.sha256(BAKER.encode())
        for path in (self.path, *(self.script(name) for name in SCRIPTS)):
            try:
                total.update(hashlib.sha256(path.read_bytes()).digest())
            except OSError as error:
                raise ConfigError(f"cannot read {path}: {error.strerror}") from error
        return total.hexdigest()[:12]


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe; raise ConfigError for what is wrong with it."""
    return Recipe(path)
