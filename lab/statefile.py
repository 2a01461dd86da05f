"""State files: JSON with a version. An older one is migrated, a newer one is refused, a damaged one is set aside.

No file is ever overwritten or removed because lab cannot read it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from lab.errors import HostError, LabError, reason
from lab.yamlfile import Strict

DAMAGED = ".damaged"  # at the end of the name of a file that was set aside
M = TypeVar("M", bound=Strict)
Migration = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Kind(Generic[M]):
    """One kind of state file: its model, which has a field `version`, and how older files become newer ones.

    `version` is the one that this lab writes. The migration of a version makes the data of the next one; a file without
    a version has version 0. `error` is the kind of the error for a file that cannot be used.
    """

    model: type[M]
    version: int = 1
    migrations: Mapping[int, Migration] = field(default_factory=dict)
    error: type[LabError] = HostError

    def read(self, path: Path, what: str, next_step: str) -> M | None:
        """The content of a file; None if there is no such file.

        Raises `error` "cannot read <what>: ..." for a file that a newer lab wrote, which stays where it is, and for a
        damaged one, which is renamed; `next_step` is then the hint.
        """
        try:
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self.error(f"cannot read {what}: {path}: {reason(error)}") from error
        return self.parse(data, path, what, next_step)

    def parse(self, data: bytes, path: Path, what: str, next_step: str) -> M:
        """The content from the bytes of the file at `path`; raises as `read` does."""
        try:
            found = json.loads(data)
            if not isinstance(found, dict):
                raise ValueError("it is not an object of JSON")
            version = found.get("version", 0)
            if not isinstance(version, int):
                raise ValueError(f"its version is {version!r}")
            if version <= self.version:
                return self.model.model_validate_json(json.dumps(self._migrated(found, version)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            place = set_aside(path)
            raise self.error(f"cannot read {what}: {_why(error)}; {place}", hint=next_step) from error
        raise self.error(
            f"cannot read {what}: {path} has version {version}, this lab reads versions up to {self.version}",
            hint=f"update lab, or move {path} away: {next_step}",
        )

    def _migrated(self, found: dict[str, Any], version: int) -> dict[str, Any]:
        for old in range(version, self.version):
            migration = self.migrations.get(old)
            found = {**(migration(found) if migration else found), "version": old + 1}
        return found


def set_aside(path: Path) -> str:
    """Rename a damaged file, so that it is not lost and no longer in the way; returns where it is, in words."""
    target = path.with_name(path.name + DAMAGED)
    number = 2
    while target.exists():
        target = path.with_name(f"{path.name}{DAMAGED}-{number}")
        number += 1
    try:
        path.rename(target)
    except OSError as error:
        return f"the file stays at {path}: {reason(error)}"
    return f"the file is now {target}"


def aside(path: Path) -> list[Path]:
    """The files that were set aside in place of this one."""
    with suppress(OSError):
        return sorted(path.parent.glob(f"{path.name}{DAMAGED}*"))
    return []


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"{place or 'it'}: {first['msg']}"
    return reason(error)
