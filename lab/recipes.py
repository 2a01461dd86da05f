"""Recipes of the boxes that lab bakes: what goes into a root tree, and the images made of it."""

from __future__ import annotations

import hashlib
import io
import stat
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from lab.errors import ConfigError
from lab.yamlfile import Strict, load

Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]*$")]
Unit = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9@_.:-]*$")]
# one line: it becomes one line of the boot loader's menu
Arguments = Annotated[str, Field(pattern=r"^[ -~]*$")]
SCRIPTS = ("before-packages.sh", "after-packages.sh", "make-initrd.sh", "each-image.sh", "label.sh")
FILES = "tree"  # the folder beside the recipes whose files go into every tree
BAKER = "2"  # goes up when lab makes other images of the same recipe


class Variant(Strict):
    """One image of the tree: with SELinux labels or without, and its own kernel arguments."""

    selinux: bool
    kernel_arguments: Arguments = ""


class RecipeFile(Strict):
    """A recipe as its YAML reads; `disk_gb` is the size in GiB that the machine sees."""

    name: Word
    suite: Word
    components: tuple[Word, ...] = Field(default=("main",), min_length=1)
    packages: tuple[Word, ...] = Field(min_length=1)
    kernel_arguments: Arguments
    enable: tuple[Unit, ...] = ()
    mask: tuple[Unit, ...] = ()
    disk_gb: int = Field(default=12, ge=3, le=500)
    variants: dict[Word, Variant] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe with the folder of its scripts; `digest` is twelve hex digits that name its whole content."""

    file: RecipeFile
    folder: Path
    digest: str

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.file.name

    def script(self, name: str) -> Path:
        """One of the scripts that work on the tree."""
        return self.folder / name


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe and what lies beside it; raise ConfigError for what is wrong."""
    file = load(path, RecipeFile)
    if path.stem != file.name:
        raise ConfigError(f'cannot use {path}: its name is "{file.name}", its file says "{path.stem}"')
    return Recipe(file, path.parent.resolve(), _digest(file, path.parent))


def pack_files(folder: Path) -> bytes:
    """The files for the tree as a tar, all owned by root, the same bytes for the same content.

    Of a file's mode only the executable bit counts: a checkout's umask must not decide what a box holds.
    """
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted((folder / FILES).rglob("*")):
            if not path.is_file():
                continue
            data = path.read_bytes()
            entry = tarfile.TarInfo(path.relative_to(folder / FILES).as_posix())
            entry.size = len(data)
            entry.mode = 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def _digest(file: RecipeFile, folder: Path) -> str:
    """A digest over all that decides what the images hold; a comment in the YAML is no part of that."""
    total = hashlib.sha256(BAKER.encode())
    try:
        parts = [file.model_dump_json().encode(), *((folder / name).read_bytes() for name in SCRIPTS)]
        parts.append(pack_files(folder))
    except OSError as error:
        raise ConfigError(f"cannot read {error.filename}: {error.strerror}") from error
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()[:12]
