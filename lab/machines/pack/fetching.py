"""The client of `python -m lab serve`: it continues a download, repeats what failed, and follows no redirection.

A classroom's network is full and its laptops fall asleep, so a broken connection is repeated as long as there is
progress. The address is one of the room: no proxy is asked.
"""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from lab.errors import ConfigError, HostError, Interrupted, UsageError
from lab.machines.pack.arrival import PIECE, Arrival, Count
from lab.machines.pack.manifest import Entry
from lab.notices import Retried, announce
from lab.workers import stopping

SECONDS = 30  # without a byte
ATTEMPTS = 8  # without progress
LONGEST_PAUSE = 10.0
BROKEN = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)
BUSY = (429, 503)
RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]+/(?:[0-9]+|\*)")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection is an error: it could lead to any address of this machine's network."""

    def redirect_request(self, *words: Any) -> None:
        """Give no request to follow."""
        return


class Client:
    """Reads the files of a pack at an address; UsageError for an address without a host."""

    def __init__(self, url: str, pause: float = 0.5) -> None:
        parts = urlsplit(url)
        if not parts.hostname or parts.query or parts.fragment:
            raise UsageError(f"cannot use {url}: expected an address such as http://192.168.1.20:8765")
        self.url = f"{url.rstrip('/')}/"
        self.pause = pause
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())

    def read(self, name: str, most: int) -> bytes:
        """A small file whole; ConfigError if it has more than `most` bytes."""
        for attempt in range(ATTEMPTS):
            try:
                with self._open(name) as answer:
                    content: bytes = answer.read(most + 1)
            except BROKEN as error:
                self._wait(name, attempt, error)
                continue
            if len(content) > most:
                raise ConfigError(f"cannot use {self.url}{name}: it has more than {most >> 20} MB")
            return content
        raise AssertionError("the last attempt raises")

    def fetch(self, entry: Entry, target: Path, count: Count) -> None:
        """Download a file, from where it was left; HostError if nothing comes any more, ConfigError for another sum."""
        for _ in range(2):  # the part that was left may be damaged, and then the download begins again
            with Arrival(entry, target) as arrival:
                continued = arrival.offset > 0
                count(arrival.offset)
                self._complete(arrival, count)
                if arrival.finish():
                    return
                count(-arrival.offset)
            if not continued:
                break
        raise ConfigError(
            f"cannot use {self.url}{entry.path}: its sum is not the one of the manifest",
            hint="whoever serves the pack runs `python -m lab pack` again",
        )

    def _complete(self, arrival: Arrival, count: Count) -> None:
        """Ask for the rest of a file until all of it is there."""
        name, attempt = arrival.entry.path, 0
        while arrival.offset < arrival.entry.size:
            before = arrival.offset
            broken: Exception = ConnectionError("the connection was closed")
            try:
                self._receive(name, arrival, count)
            except BROKEN as error:
                broken = error
            if arrival.offset < arrival.entry.size:
                attempt = 0 if arrival.offset > before else attempt + 1
                self._wait(name, attempt, broken)

    def _receive(self, name: str, arrival: Arrival, count: Count) -> None:
        """Ask for the rest of a file and write what comes."""
        headers = (
            {"Range": f"bytes={arrival.offset}-", "If-Range": f'"{arrival.entry.sha256}"'} if arrival.offset else {}
        )
        with self._open(name, headers) as answer:
            if arrival.offset and not self._continues(answer, arrival.offset):
                count(-arrival.offset)
                arrival.restart()
            while data := answer.read(PIECE):
                if stopping.is_set():
                    raise Interrupted("stopped while downloading; the same command continues")
                arrival.write(data)
                count(len(data))

    def _continues(self, answer: Any, offset: int) -> bool:
        """True if the answer begins at the offset; False if it is the whole file."""
        found = RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        return answer.status == 206 and found is not None and int(found[1]) == offset

    def _open(self, name: str, headers: dict[str, str] | None = None) -> Any:
        request = urllib.request.Request(f"{self.url}{quote(name)}", headers=headers or {})
        return self._opener.open(request, timeout=SECONDS)

    def _wait(self, name: str, attempt: int, error: Exception) -> None:
        """Wait before the next attempt; raises HostError after the last one, or at once if another will not help."""
        if isinstance(error, urllib.error.HTTPError):
            error.close()
            if error.code not in BUSY:
                raise HostError(
                    f"cannot download {self.url}{name}: the server answered {error.code} {error.reason}",
                    hint="check the address: `python -m lab serve` prints it where it runs",
                ) from error
        if attempt + 1 >= ATTEMPTS:
            raise HostError(
                f"cannot download {self.url}{name}: {getattr(error, 'reason', error)}",
                hint="check that `python -m lab serve` still runs there; the same command continues the download",
            ) from error
        pause = min(LONGEST_PAUSE, self.pause * 2**attempt)
        why = str(getattr(error, "reason", error))
        announce(Retried(urlsplit(self.url).netloc, "download", attempt + 1, ATTEMPTS, why, pause))
        if stopping.wait(pause):
            raise Interrupted("stopped while downloading; the same command continues")
