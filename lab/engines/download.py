"""Downloads of archives: each is fetched once into the cache, and used only if its sum is the pinned one."""

from __future__ import annotations

import http.client
import os
import threading
import urllib.error
import urllib.parse
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

from lab.boxes.base import Tell
from lab.counting import whole_number
from lab.engines.archive import sha256_of
from lab.errors import EngineError, HostError, Interrupted
from lab.files import disk_error
from lab.model import Progress
from lab.retries import Attempts, attempt
from lab.silence import TRANSFER, allowed
from lab.workers import stopping

PIECE = 1 << 18
LOOPBACK = ("127.0.0.1", "::1", "localhost")
LARGEST = 2 << 30  # bytes of a download; Docker's largest archive has a thirtieth
DOWNLOADING = Attempts(most=4, first=0.5)
BROKEN = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, ValueError)
BUSY = (429, 500, 502, 503, 504)  # answers of a server that may give the file a moment later
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


class _OnlySecure(urllib.request.HTTPRedirectHandler):
    """A redirection may not lead from HTTPS to another protocol."""

    def redirect_request(
        self, request: Any, file: Any, code: int, message: str, headers: Any, target: str
    ) -> urllib.request.Request | None:
        """Return the request to follow; ValueError if its address is not secure."""
        _check_address(target)
        return super().redirect_request(request, file, code, message, headers, target)


def _check_address(url: str) -> None:
    """Raise ValueError for the address of another machine that is not https."""
    parts = urllib.parse.urlsplit(url)
    here = parts.scheme == "file" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if parts.scheme != "https" and not here:
        raise ValueError(f"lab downloads by https alone, and {url} is another kind of address")


def download(url: str, target: Path, tell: Tell) -> Path:
    """Download to a temporary file beside `target` and return its path; an incomplete file is removed.

    A broken connection, and one on which no byte comes for TRANSFER seconds, is opened again. Raises HostError for an
    address that is not https, which is allowed only on this machine itself.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    name = f"archive {target.stem.rpartition('-')[0]}"
    complete = False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _check_address(url)
        receive = partial(_receive, url, part, name, tell)
        attempt(name, "download", receive, on=BROKEN, passing=_may_pass, attempts=DOWNLOADING)
        complete = True
    except BROKEN as error:
        raise _failure(url, error) from error
    except OSError as error:
        raise disk_error(part, error) from error
    finally:
        if not complete:
            part.unlink(missing_ok=True)
    return part


def _receive(url: str, part: Path, name: str, tell: Tell) -> None:
    opener = urllib.request.build_opener(_OnlySecure())
    with opener.open(url, timeout=allowed(TRANSFER)) as source, part.open("wb") as out:
        size, got = whole_number(source.headers.get("Content-Length") or "") or 0, 0
        while chunk := source.read(PIECE):
            if stopping.is_set():
                raise Interrupted(f"stopped while downloading {url}")
            out.write(chunk)
            got += len(chunk)
            if got > LARGEST:
                raise ValueError(f"it has more than {LARGEST >> 30} GiB")
            tell(Progress(name, f"downloading {got / 1e6:.0f} of {size / 1e6:.0f} MB"))
        if got < size:
            raise ConnectionError(f"the connection was closed after {got} of {size} bytes")


def _may_pass(error: Exception) -> bool:
    """True for a failure of the connection, or of a server that is busy; another answer is the same every time."""
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return error.code in BUSY
    return not isinstance(error, ValueError)


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
