"""The manifest of a pack: every file with its size, its sum and what it is. A manifest from a stranger is only data.

Its paths are names of plain files below the pack's folder, and its numbers have limits. Where a file of a pack goes on
this machine is decided by lab's own names (`lab/machines/pack/bringing.py`), never by the manifest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from lab import __version__, files
from lab.errors import ConfigError, HostError
from lab.yamlfile import Strict, check

SCHEMA = 1
NAME = "manifest.json"
UNFINISHED = "manifest.json.unfinished"  # the list of a pack in the making; it becomes NAME when the pack is complete
LARGEST_MANIFEST = 16 << 20  # bytes
MOST_FILES = 20_000
LARGEST_FILE = 16 << 30
LARGEST_PACK = 256 << 30
# A name begins with neither a dot nor a hyphen, and no character of it is special to a shell or in an address.
PART = r"[A-Za-z0-9_][A-Za-z0-9_.+~,=@-]*"
NEWER = (
    "the pack has a newer lab: `pip install --no-index --find-links {wheels} --upgrade docker-cache-lab` installs it, "
    "then run the same command again"
)

PackPath = Annotated[str, Field(pattern=rf"^{PART}(/{PART})*$", max_length=240)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+~ -]*$", max_length=80)]


class Sort(StrEnum):
    """What a file of a pack is."""

    BOX = "box"
    KERNEL = "kernel"
    ENGINE = "engine"
    BASE = "base"
    WHEEL = "wheel"
    PACKAGE = "package"
    INDEX = "index"
    LESSON = "lesson"
    PAGE = "page"


FOLDERS: dict[Sort, str] = {  # where files of each sort lie in a pack
    Sort.BOX: "boxes",
    Sort.KERNEL: "boxes",
    Sort.ENGINE: "engines",
    Sort.BASE: "base",
    Sort.WHEEL: "wheels",
    Sort.PACKAGE: "debian",
    Sort.INDEX: "debian",
    Sort.LESSON: "lessons",
    Sort.PAGE: "docs",
}


class Entry(Strict):
    """One file of a pack: its path below the folder, its size in bytes, its sum, its sort, and what it belongs to."""

    path: PackPath
    size: int = Field(ge=0, le=LARGEST_FILE)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    sort: Sort
    about: Word

    @model_validator(mode="after")
    def _in_its_folder(self) -> Entry:
        if not self.path.startswith(f"{FOLDERS[self.sort]}/"):
            raise ValueError(f"{self.path} is a {self.sort}, and its folder is not {FOLDERS[self.sort]}/")
        return self


class Manifest(Strict):
    """What a pack holds and what it was made for; `suites` are the releases of Debian that it has packages of.

    `engines` are those that it has in place of the boxes' own.
    """

    schema_: int = Field(alias="schema", ge=1)
    lab: Word
    machine: Word
    lineups: tuple[Word, ...] = ()
    engines: tuple[Word, ...] = ()
    pythons: tuple[Word, ...] = ()
    suites: tuple[Word, ...] = ()
    files: tuple[Entry, ...] = Field(max_length=MOST_FILES)

    @model_validator(mode="after")
    def _whole(self) -> Manifest:
        paths = {entry.path for entry in self.files}
        if len(paths) < len(self.files):
            raise ValueError("it lists a file twice")
        if self.size > LARGEST_PACK:
            raise ValueError(f"its files have {self.size} bytes, more than the {LARGEST_PACK} that a pack may have")
        for path in paths:
            if any(folder in paths for folder in _above(path)):
                raise ValueError(f"{path} lies below another file")
        return self

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(entry.size for entry in self.files)

    def of(self, *sorts: Sort) -> list[Entry]:
        """The files of these sorts, in the order of the manifest."""
        return [entry for entry in self.files if entry.sort in sorts]

    def by_path(self) -> dict[str, Entry]:
        """Every file by its path."""
        return {entry.path: entry for entry in self.files}

    def text(self) -> str:
        """The manifest as it is stored; without engines of its own, it is one that an older lab reads too."""
        unused = None if self.engines else {"engines"}
        return json.dumps(self.model_dump(mode="json", by_alias=True, exclude=unused), indent=1) + "\n"


def _above(path: str) -> Iterable[str]:
    """The folders above a path."""
    parts = path.split("/")
    return ("/".join(parts[:number]) for number in range(1, len(parts)))


def parse(content: bytes, where: str, wheels: str = "DIR/wheels") -> Manifest:
    """Read a manifest; ConfigError if it is none, breaks a limit, or was made by a newer lab.

    `where` names the manifest in errors, and `wheels` the place from which pip can install the pack's lab.
    """
    if len(content) > LARGEST_MANIFEST:
        raise ConfigError(f"cannot use {where}: it has more than {LARGEST_MANIFEST >> 20} MB")
    try:
        data: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"cannot use {where}: it is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"cannot use {where}: it is not the manifest of a pack")
    schema = data.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise ConfigError(
            f"cannot use {where}: a newer lab made this pack: its schema is {schema}, and lab {__version__} reads "
            f"schema {SCHEMA}",
            hint=NEWER.format(wheels=wheels),
        )
    return check(data, Manifest, where)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of the pack in a folder; ConfigError without a complete pack there, HostError if unreadable."""
    path = folder / NAME
    try:
        content = files.read_plain(path, LARGEST_MANIFEST + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _no_pack(folder) from error
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror or error}") from error
    return parse(content, str(path), str(folder / FOLDERS[Sort.WHEEL]))


def _no_pack(folder: Path) -> ConfigError:
    if files.is_file(folder / UNFINISHED):
        return ConfigError(
            f"cannot use {folder}: the pack is not complete",
            hint=f"`python -m lab pack {folder}` completes it; it copies only what is missing",
        )
    return ConfigError(
        f"cannot use {folder}: it is not a pack: it has no {NAME}", hint=f"`python -m lab pack {folder}` makes one"
    )
