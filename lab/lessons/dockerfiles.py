"""The instructions of a student's Dockerfile, which may be anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import ReadError, reason
from lab.files import read_plain

if TYPE_CHECKING:
    from lab.buildkit.cachekeys.dockerfile import Dockerfile

LARGEST = 1 << 20


def read_dockerfile(path: Path, errors: str = "strict") -> str:
    """The text of a student's Dockerfile; ReadError for a large one, OSError for one that is no plain file.

    `errors` is what is done with bytes that are not UTF-8, as `bytes.decode` takes it.
    """
    data = read_plain(path, LARGEST + 1)
    if len(data) > LARGEST:
        raise ReadError(f"it is larger than {LARGEST >> 20} MiB")
    return data.decode("utf-8", errors).replace("\r\n", "\n").replace("\r", "\n")


def parsed(path: Path) -> Dockerfile | str:
    """The Dockerfile at a path; the reason if it cannot be read."""
    from lab.buildkit.cachekeys.dockerfile import parse  # late: few exercises need it

    try:
        return parse(read_dockerfile(path))
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
