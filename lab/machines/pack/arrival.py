"""One file that arrives in pieces: it is complete with the right sum, or absent, and a part that is left is continued.

The part lies beside the file as `.NAME.SUM.part`, so that a part of other bytes is never continued.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from lab.errors import ConfigError, HostError
from lab.files import disk_error
from lab.machines.pack.manifest import Entry

PIECE = 1 << 20
Count = Callable[[int], None]  # is called with the number of bytes that have just arrived


class Arrival:
    """A file on its way to `target`; `offset` is how many bytes of it are there. A full disk raises HostError."""

    def __init__(self, entry: Entry, target: Path) -> None:
        self.entry = entry
        self.target = target
        self.part = target.with_name(f".{target.name}.{entry.sha256[:12]}.part")
        self.offset = 0
        self._sum = hashlib.sha256()
        self._file: BinaryIO | None = None

    def __enter__(self) -> Arrival:
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.part.open("a+b")
            self._file.seek(0)
            while data := self._file.read(PIECE):
                self._take(data)
        except OSError as error:
            self._close()
            raise disk_error(self.part, error) from error
        if self.offset > self.entry.size:
            self.restart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def restart(self) -> None:
        """Begin again: what has arrived belongs to other bytes."""
        assert self._file
        self._file.truncate(0)
        self.offset, self._sum = 0, hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Add the next bytes; ConfigError if the file becomes longer than its entry states."""
        assert self._file
        if self.offset + len(data) > self.entry.size:
            raise ConfigError(
                f"cannot use {self.entry.path}: it has more than the {self.entry.size} bytes of its entry"
            )
        try:
            self._file.write(data)
        except OSError as error:
            raise disk_error(self.part, error) from error
        self._take(data)

    def finish(self) -> bool:
        """Put the file in its place; False, and the part is removed, if its sum is not the stated one."""
        assert self._file
        if self._sum.hexdigest() != self.entry.sha256:
            self._close()
            self.part.unlink(missing_ok=True)
            return False
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._close()
            self.part.replace(self.target)
        except OSError as error:
            raise disk_error(self.part, error) from error
        return True

    def _take(self, data: bytes) -> None:
        self._sum.update(data)
        self.offset += len(data)

    def _close(self) -> None:
        if self._file:
            file, self._file = self._file, None
            try:
                file.close()
            except OSError as error:  # the rest of a buffer does not fit on the disk
                raise disk_error(self.part, error) from error


def copy(source: Path, entry: Entry, target: Path, count: Count = lambda got: None) -> None:
    """Copy a file of this machine, and continue a part that an earlier copy left.

    Raises HostError if it cannot be read or written, ConfigError if its sum is not that of its entry.
    """
    for _ in range(2):  # a part may be damaged, and then the copy begins again
        with Arrival(entry, target) as arrival:
            count(arrival.offset)
            fresh = arrival.offset == 0
            for data in _pieces(source, arrival.offset):
                arrival.write(data)
                count(len(data))
            if arrival.finish():
                return
            count(-arrival.offset)
        if fresh:
            break
    raise ConfigError(f"cannot use {source}: its sum is not the one that was stated: it is damaged, or it has changed")


def _pieces(path: Path, offset: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            while data := file.read(PIECE):
                yield data
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror or error}") from error
