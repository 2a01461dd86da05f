"""The instructions of a student's Dockerfile, which may be anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import ReadError, reason

if TYPE_CHECKING:
    from lab.buildkit.cachekeys.dockerfile import Dockerfile

LARGEST = 1 << 20


def parsed(path: Path) -> Dockerfile | str:
    """The Dockerfile at a path; the reason if it cannot be read."""
    from lab.buildkit.cachekeys.dockerfile import parse  # late: few exercises need it

    try:
        if path.stat().st_size > LARGEST:
            return f"it is larger than {LARGEST >> 20} MiB"
        return parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        return f"it is not UTF-8 at byte {error.start}"
    except OSError as error:
        return reason(error)
    except ReadError as error:
        return error.message


def instructions_of(path: Path) -> list[str] | str:
    """The instructions of all stages in their order, those of FROM left out; the reason if there are none to read."""
    found = parsed(path)
    return found if isinstance(found, str) else [item.text for stage in found.stages for item in stage.instructions]
