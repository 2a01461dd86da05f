"""The names in a stored run that become names of files: a run of somebody else must not name files elsewhere."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from lab.errors import ConfigError

LONGEST = 255  # bytes: file systems take no longer name


@lru_cache  # a run of 10,000 trials has few names
def is_plain(name: str) -> bool:
    """True for a name that names a file in any folder, and none outside: no separator, no leading dot, no control."""
    size = len(name.encode("utf-8", "surrogatepass"))
    return 0 < size <= LONGEST and "/" not in name and not name.startswith(".") and name.isprintable()


def _plain(name: str, info: ValidationInfo) -> str:
    """The name, which is checked where a run is read: what this process makes has names that were checked before."""
    if info.mode == "json" and not is_plain(name):
        raise PydanticCustomError("plain_name", "{name} is not a plain name", {"name": f"{name!r:.80}"})
    return name


def _plain_or_empty(name: str, info: ValidationInfo) -> str:
    return name and _plain(name, info)


PlainName = Annotated[str, AfterValidator(_plain)]
PlainOrEmpty = Annotated[str, AfterValidator(_plain_or_empty)]


def below(folder: Path, *parts: str) -> Path:
    """The path of a file below a folder; ConfigError if it leads out, also through a link."""
    path = folder.joinpath(*parts)
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL
        raise ConfigError(f"cannot use {path}: {error}") from error
    if not inside:
        raise ConfigError(f"cannot use {path}: it leads out of {folder}")
    return path
