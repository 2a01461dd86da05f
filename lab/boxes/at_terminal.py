"""A program that has the terminal to itself while it runs, such as a shell that the user works in."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress

from lab.boxes.base import Command

# The program waits until its process group has the terminal: a shell that finds it in other hands stops itself.
WAITING = """read -r _ <"/dev/fd/$0"; exec "$@" """


def at_terminal(command: Command) -> int:
    """Run a command in a process group of its own that has the terminal, if there is one; returns its exit status.

    Any thread may call it. OSError if the program does not exist. A background process may give the terminal back only
    while SIGTTOU is blocked.
    """
    if shutil.which(command.argv[0]) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command.argv[0])
    reader, writer = os.pipe()
    terminal = sys.stdin.fileno() if sys.stdin.isatty() else None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        process = subprocess.Popen(
            ("sh", "-c", WAITING, str(reader), *command.argv),
            cwd=command.cwd,
            env={**os.environ, "LC_ALL": "C", **command.env},
            pass_fds=(reader,),
            process_group=None if terminal is None else 0,
        )
        try:
            _give(terminal, process.pid)
            os.write(writer, b"\n")
            status = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    finally:
        _give(terminal, os.getpgrp())
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(reader)
        os.close(writer)
    return 128 - status if status < 0 else status


def _give(terminal: int | None, group: int) -> None:
    """Give the terminal, if there is one, to a process group; it stays where it is if it is another session's."""
    if terminal is not None:
        with suppress(OSError):
            os.tcsetpgrp(terminal, group)
