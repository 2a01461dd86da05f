"""Standard streams that the caller closed: Python has none in their place, and a file opened later would take it."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO

NAMES = ("stdin", "stdout", "stderr")


class _Closed(io.FileIO):
    """A stream that tells by an error that the caller closed it, once it is used."""

    _told = False

    def readinto(self, buffer: Any, /) -> int:
        from lab.errors import UsageError  # late: no other process needs it before it has caught Ctrl-C

        hint = "`<&-` closes it: give lab a file or a pipe there"
        raise UsageError("cannot read standard input: it is closed", hint=hint)

    def write(self, data: Any, /) -> int:
        from lab.errors import HostError

        if self._told:  # what is still buffered when Python ends
            return memoryview(data).nbytes
        self._told = True
        hint = "`>&-` closes it: give lab a file, a pipe or a terminal there"
        raise HostError("cannot write the answer: standard output is closed", hint=hint)


def replace_closed() -> None:
    """Put a stream in the place of each standard stream that is closed.

    Reading standard input then raises UsageError, and writing to standard output HostError, in place of a defect. What
    goes to standard error is lost, because nobody can see it. Programs that lab starts find the same streams closed to
    reading or writing.
    """
    for number, name in enumerate(NAMES):
        if getattr(sys, name) is None:
            setattr(sys, name, _stream(number))


def _stream(number: int) -> TextIO:
    """A stream on the descriptor, which no other file can then get."""
    device = os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_WRONLY)
    if device != number:
        os.dup2(device, number)
        os.close(device)
    os.set_inheritable(number, True)
    if number == 0:
        return io.TextIOWrapper(io.BufferedReader(_Closed(number, closefd=False)), encoding="utf-8")
    raw = _Closed(number, "w", closefd=False) if number == 1 else io.FileIO(number, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace")
