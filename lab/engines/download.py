"""Archives from Docker's site: the cache first, then one download; no byte is used whose sum differs."""

from __future__ import annotations

import http.client
import os
import threading
import urllib.error
import urllib.request
from pathlib import Path

from lab.boxes.base import Tell
from lab.engines.archive import place, sha256_of
from lab.engines.pins import EngineSpec
from lab.errors import EngineError, HostError
from lab.files import disk_error
from lab.model import Progress

PIECE = 1 << 18
_fetching = threading.Lock()  # boxes side by side want one archive; the first one downloads it


def fetch(spec: EngineSpec, cache: Path, tell: Tell) -> Path:
    """The archive of a static engine in the host's cache, downloaded once; its sum is checked every time.

    Raises EngineError for an engine without a pin, for another sum and for an archive that was never published,
    HostError if it cannot be downloaded or kept.
    """
    if spec.sha256 is None:
        raise EngineError(
            f"cannot use Docker {spec.name}: its archive has no sha256 yet",
            hint=f"python -m lab engines pin {spec.name}, or python -m lab engines add FILE.tgz",
        )
    target = place(cache, spec.name, spec.sha256)
    with _fetching:
        if target.exists() and (found := sha256_of(target)) != spec.sha256:
            raise EngineError(
                f"cannot use {target}: its sha256 is {found}, pinned is {spec.sha256}",
                hint=f"remove {target}; it is downloaded again",
            )
        if not target.exists():
            _fetch(spec, spec.sha256, target, tell)
    return target


def _fetch(spec: EngineSpec, sha256: str, target: Path, tell: Tell) -> None:
    if spec.url is None:
        raise EngineError(
            f"cannot use Docker {spec.name}: its archive is not in the cache, and no address of it is known",
            hint="python -m lab engines add FILE.tgz",
        )
    part = download(spec.url, target, tell)
    try:
        found = sha256_of(part)
        if found != sha256:
            raise EngineError(
                f"cannot use {spec.url}: its sha256 is {found}, pinned is {sha256}",
                hint="the download was cut short or the file is another one; nothing of it is kept",
            )
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    tell(Progress(f"archive {spec.name}", "downloaded, sum as pinned", done=True))


def download(url: str, target: Path, tell: Tell) -> Path:
    """Download to a temporary file beside `target` and return that; nothing is left of what is cut off."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    name = f"archive {target.stem.rpartition('-')[0]}"
    whole = False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url, timeout=30) as source, part.open("wb") as out:
            size, got = int(source.headers.get("Content-Length") or 0), 0
            while chunk := source.read(PIECE):
                out.write(chunk)
                got += len(chunk)
                tell(Progress(name, f"downloading {got / 1e6:.0f} of {size / 1e6:.0f} MB"))
        whole = True
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, ValueError) as error:
        raise _refused(url, error) from error
    except OSError as error:
        raise disk_error(part, error) from error
    finally:
        if not whole:
            part.unlink(missing_ok=True)
    return part


def _refused(url: str, error: Exception) -> EngineError | HostError:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        if error.code in (404, 410):
            return EngineError(
                f"cannot download {url}: there is no such file",
                hint="the version was never published there; its folder lists those that were",
            )
    return HostError(
        f"cannot download {url}: {getattr(error, 'reason', error)}",
        hint="bring the file from elsewhere and give it to `python -m lab engines add FILE.tgz`, or try again online",
    )
