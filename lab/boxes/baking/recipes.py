"""Recipes of the boxes that lab bakes: the contents of a root tree, and the images that are made from it."""

from __future__ import annotations

import hashlib
import io
import stat
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from lab.errors import ConfigError, did_you_mean
from lab.yamlfile import Strict, check, read

Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]*$", max_length=100)]
Unit = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9@_.:-]*$", max_length=200)]
# one line, because it becomes one line of the boot loader's menu
Arguments = Annotated[str, Field(pattern=r"^[ -~]*$")]
SCRIPTS = ("before-packages.sh", "after-packages.sh", "make-initrd.sh", "each-image.sh", "label.sh")
FILES = "tree"  # the folder beside the recipes; its files go into every tree
BAKER = "2"  # increased when lab makes other images from the same recipe


class Variant(Strict):
    """One image of the tree: with SELinux labels or without, and its own kernel arguments."""

    selinux: bool
    kernel_arguments: Arguments = ""


class RecipeFile(Strict):
    """A recipe as its YAML states it; `disk_gb` is the size of the machine's disk in GiB."""

    name: Word
    suite: Word
    components: tuple[Word, ...] = Field(default=("main",), min_length=1)
    packages: tuple[Word, ...] = Field(min_length=1)
    kernel_arguments: Arguments
    enable: tuple[Unit, ...] = ()
    mask: tuple[Unit, ...] = ()
    disk_gb: int = Field(default=12, ge=3, le=500)
    variants: dict[Word, Variant] = Field(min_length=1)


class Changes(Strict):
    """Changes to a list of the recipe on which this one is based; in kernel arguments each word is one item."""

    add: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()


class DerivedFile(Strict):
    """A recipe that is based on another one and states only the differences; name and variants are always its own."""

    name: Word
    based_on: Word
    suite: Word | None = None
    components: Changes = Changes()
    packages: Changes = Changes()
    kernel_arguments: Changes = Changes()
    enable: Changes = Changes()
    mask: Changes = Changes()
    disk_gb: int | None = None
    variants: dict[Word, Variant] = Field(min_length=1)


LISTS = ("components", "packages", "enable", "mask")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe with the folder of its scripts; `digest` is twelve hex digits that identify its whole content."""

    file: RecipeFile
    folder: Path
    digest: str

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.file.name

    def script(self, name: str) -> Path:
        """The path of one of the scripts that change the tree."""
        return self.folder / name


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe, its bases and its scripts; raise ConfigError for what is wrong."""
    file = _whole(path, ())
    return Recipe(file, path.parent.resolve(), _digest(file, path.parent))


def _whole(path: Path, above: tuple[str, ...]) -> RecipeFile:
    """The recipe with everything that it takes from others filled in; `above` are the recipes that are based on it."""
    data = read(path)
    if "based_on" not in data:
        file = check(data, RecipeFile, str(path))
    else:
        derived = check(data, DerivedFile, str(path))
        chain = (*above, path.stem)
        if derived.based_on in chain:
            raise ConfigError(f"cannot use {path}: {' is based on '.join((*chain, derived.based_on))}")
        base = path.with_name(f"{derived.based_on}.yaml")
        if not base.exists():
            guess = did_you_mean(derived.based_on, [other.stem for other in path.parent.glob("*.yaml")])
            raise ConfigError(f"cannot use {path}: there is no recipe {derived.based_on} to be based on{guess}")
        file = check(_merge(derived, _whole(base, chain), str(path)), RecipeFile, str(path))
    if path.stem != file.name:
        raise ConfigError(f'cannot use {path}: its name is "{file.name}", its file says "{path.stem}"')
    return file


def _merge(derived: DerivedFile, base: RecipeFile, where: str) -> dict[str, Any]:
    """The data of a complete recipe; ConfigError if it names a box of its base, because it would replace that box."""
    if twice := [name for name in derived.variants if name in base.variants]:
        raise ConfigError(f"cannot use {where}: {', '.join(twice)} is a box of {base.name} already")
    data = base.model_dump(mode="json")
    for key in LISTS:
        data[key] = _changed(data[key], getattr(derived, key), f"{where}: {key}", base.name)
    words = _changed(base.kernel_arguments.split(), derived.kernel_arguments, f"{where}: kernel_arguments", base.name)
    data["kernel_arguments"] = " ".join(words)
    own = derived.model_dump(mode="json", exclude_none=True, include={"name", "suite", "disk_gb", "variants"})
    return data | own


def _changed(items: list[str], changes: Changes, where: str, base: str) -> list[str]:
    """The list without the removed items and with the added ones; a change without effect is a ConfigError."""
    for item in changes.leave_out:
        if item not in items:
            guess = did_you_mean(item, items)
            raise ConfigError(f'cannot use {where}: "{item}" cannot be left out, {base} does not have it{guess}')
    for item in changes.add:
        if item in items:
            raise ConfigError(f'cannot use {where}: "{item}" cannot be added, {base} has it already')
    return [*(item for item in items if item not in changes.leave_out), *changes.add]


def pack_files(folder: Path) -> bytes:
    """The files for the tree as a tar, all owned by root; the same content always gives the same bytes.

    Only the executable bit of a file's mode is kept: the umask of a checkout must not decide what a box holds.
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
    """A digest over everything that decides what the images hold. A comment in the YAML does not change it, nor does it
    matter whether the recipe itself or its base states a value.
    """
    total = hashlib.sha256(BAKER.encode())
    try:
        parts = [file.model_dump_json().encode(), *((folder / name).read_bytes() for name in SCRIPTS)]
        parts.append(pack_files(folder))
    except OSError as error:
        raise ConfigError(f"cannot read {error.filename}: {error.strerror}") from error
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()[:12]
