"""Downloads of archives: each is fetched once into the cache, and used only if its sum is the pinned one."""

from __future__ import annotations

import http.client
import os
import threading
import urllib.error
import urllib.request
from pathlib import Path

from lab.boxes.base import Tell
from lab.counting import whole_number
from lab.engines.archive import sha256_of
from lab.errors import EngineError, HostError
from lab.files import disk_error
from lab.model import Progress

PIECE = 1 << 18
_fetching = threading.Lock()  # several boxes may need one archive at once; the first one downloads it


def fetch(name: str, url: str | None, sha256: str, target: Path, tell: Tell) -> Path:
    """The archive of an engine at `target`, downloaded unless it is there; its sum is checked every time.

    Raises EngineError for an engine without an address, for another sum and for an archive that was never published,
    HostError if it cannot be downloaded or stored.
    """
    with _fetching:
        if target.exists() and (found := sha256_of(target)) != sha256:
            raise EngineError(
                f"cannot use {target}: its sha256 is {found}, the pinned one is {sha256}",
                hint=f"remove {target}; lab then downloads it again",
            )
        if not target.exists():
            _fetch(name, url, sha256, target, tell)
    return target


def _fetch(name: str, url: str | None, sha256: str, target: Path, tell: Tell) -> None:
    if url is None:
        raise EngineError(
            f"cannot use Docker {name}: its archive is not in the cache, and its pin has no address",
            hint="python -m lab engines add FILE.tgz",
        )
    part = download(url, target, tell)
    try:
        found = sha256_of(part)
        if found != sha256:
            raise EngineError(
                f"cannot use {url}: its sha256 is {found}, the pinned one is {sha256}",
                hint="the download was cut short, or the file is not the pinned one; lab has deleted it",
            )
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    tell(Progress(f"archive {name}", "downloaded, sum as pinned", done=True))


def download(url: str, target: Path, tell: Tell) -> Path:
    """Download to a temporary file beside `target` and return its path; an incomplete file is removed."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    name = f"archive {target.stem.rpartition('-')[0]}"
    complete = False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url, timeout=30) as source, part.open("wb") as out:
            size, got = whole_number(source.headers.get("Content-Length") or "") or 0, 0
            while chunk := source.read(PIECE):
                out.write(chunk)
                got += len(chunk)
                tell(Progress(name, f"downloading {got / 1e6:.0f} of {size / 1e6:.0f} MB"))
        complete = True
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, ValueError) as error:
        raise _failure(url, error) from error
    except OSError as error:
        raise disk_error(part, error) from error
    finally:
        if not complete:
            part.unlink(missing_ok=True)
    return part


def _failure(url: str, error: Exception) -> EngineError | HostError:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        if error.code in (404, 410):
            return EngineError(
                f"cannot download {url}: there is no such file",
                hint="that version was never published there; the folder of the address lists those that were",
            )
    return HostError(
        f"cannot download {url}: {getattr(error, 'reason', error)}",
        hint="copy the file from elsewhere and run `python -m lab engines add FILE.tgz`, or try again online",
    )
