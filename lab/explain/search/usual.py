"""The values that files often have on other machines and that the search tries; from boxes/buildkit/usual.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from lab.yamlfile import Strict, load


@dataclass(frozen=True, slots=True)
class WholeModes:
    """Modes of all objects at once: of files, of executable files, of folders and of links; None is the mode here.

    Likely modes have a low rank.
    """

    name: str
    file: int | None
    executable: int | None
    folder: int | None
    link: int | None = None
    rank: int = 3


@dataclass(frozen=True, slots=True)
class Usual:
    """The usual values of the fields of files and directories.

    `labels` are values of security.selinux without the final NUL. `attributes` are other attributes (name, raw value).
    `owners` are pairs of uid and gid. `extras` are files that only one side may have (name, content). `folders` are
    names of empty folders that only one side may have. `whole_modes` are modes of all objects that are not those of an
    umask. `leftovers` are families of objects that programs leave behind: a name, and patterns of base names.
    """

    file_modes: tuple[int, ...]
    dir_modes: tuple[int, ...]
    umasks: tuple[int, ...]
    labels: tuple[str, ...]
    attributes: tuple[tuple[str, bytes], ...]
    owners: tuple[tuple[int, int], ...]
    extras: tuple[tuple[str, bytes], ...]
    folders: tuple[str, ...]
    whole_modes: tuple[WholeModes, ...] = ()
    leftovers: tuple[tuple[str, tuple[str, ...]], ...] = ()


Octal = Annotated[str, Field(pattern=r"^0[0-7]{3,4}$")]
Hex = Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$")]


class _Attribute(Strict):
    name: str
    hex: Hex


class _Extra(Strict):
    name: str
    hex: Hex = ""


class _WholeModes(Strict):
    name: str
    file: Octal | None = None
    executable: Octal | None = None
    folder: Octal | None = None
    link: Octal | None = None
    rank: Annotated[int, Field(ge=1)] = 3


class _Leftovers(Strict):
    name: str
    patterns: tuple[str, ...]


class _File(Strict):
    file_modes: tuple[Octal, ...]
    dir_modes: tuple[Octal, ...]
    umasks: tuple[Octal, ...]
    labels: tuple[str, ...]
    attributes: tuple[_Attribute, ...]
    owners: tuple[tuple[int, int], ...]
    extras: tuple[_Extra, ...]
    folders: tuple[str, ...]
    whole_modes: tuple[_WholeModes, ...]
    leftovers: tuple[_Leftovers, ...]


def load_usual(boxes: Path) -> Usual:
    """Load the usual values; ConfigError if the file has an invalid value."""
    file = load(boxes / "buildkit" / "usual.yaml", _File)
    return Usual(
        tuple(int(mode, 8) for mode in file.file_modes),
        tuple(int(mode, 8) for mode in file.dir_modes),
        tuple(int(mask, 8) for mask in file.umasks),
        file.labels,
        tuple((item.name, bytes.fromhex(item.hex)) for item in file.attributes),
        file.owners,
        tuple((item.name, bytes.fromhex(item.hex)) for item in file.extras),
        file.folders,
        tuple(
            WholeModes(
                item.name,
                _octal(item.file),
                _octal(item.executable),
                _octal(item.folder),
                _octal(item.link),
                item.rank,
            )
            for item in file.whole_modes
        ),
        tuple((item.name, item.patterns) for item in file.leftovers),
    )


def _octal(text: str | None) -> int | None:
    return None if text is None else int(text, 8)
