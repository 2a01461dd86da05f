"""End a command on a box that prints nothing for too long: sshd does not end one whose channel is closed."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from lab.boxes.base import KILL_SECONDS, MARK, TIMED_OUT, Command, OnOutput, Result
from lab.errors import BoxError, LabError
from lab.silence import Silence

END = f"""\
for place in $(grep -ls "{MARK}=$1" /proc/[0-9]*/environ); do
  pid=${{place#/proc/}}
  kill "${{pid%/environ}}" 2>/dev/null
done
exit 0
"""
# Only root reads the environment of a sudo that runs, and may signal it.
AS_ROOT = 'if sudo -n true 2>/dev/null; then exec sudo -n sh -c "$1" sh "$2"; else exec sh -c "$1" sh "$2"; fi'


class Execute(Protocol):
    """Runs a command on a box, whose environment has the mark unless that is empty."""

    def __call__(self, command: Command, on_output: OnOutput | None = None, mark: str = "") -> Result:
        """Return the result; BoxError if the box fails."""


class UnansweredError(BoxError):
    """The box did not end a silent command, so its connection counts as dead."""


def run_while_heard(
    who: str, command: Command, execute: Execute, close: Callable[[], None], on_output: OnOutput | None
) -> Result:
    """Run a command with `execute` until it ends, or until it has been silent for its limit.

    Then it is sent SIGTERM on the box, and its status is 124. If it does not end, `close` closes the connection, and
    UnansweredError is raised.
    """
    assert command.silence is not None
    silence, token, ended = Silence(who, "output", command.silence), secrets.token_hex(8), threading.Event()

    def end() -> None:
        with suppress(LabError):
            execute(Command(("sh", "-c", AS_ROOT, "sh", END, token), timeout=20))
        if not ended.wait(2 * KILL_SECONDS):
            close()

    try:
        with silence.watched(end):
            try:
                result = execute(command, silence.hearing(on_output), token)
            finally:
                ended.set()
    except BoxError as error:
        if silence.ended:
            raise UnansweredError(error.message, hint=error.hint) from error
        raise
    if silence.ended:
        return replace(result, exit=TIMED_OUT, silent=silence.limit)
    return result
