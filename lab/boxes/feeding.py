"""Bytes between lab and a box: the input of a command behind ssh, rsync as people call it, a sink for output."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from math import ceil, inf
from pathlib import Path
from typing import Any

from lab.boxes.base import Command, OnOutput, Result
from lab.silence import TRANSFER, Silence, allowed
from lab.workers import stopping

STEP_SECONDS = 5.0  # between two looks at whether the whole was stopped


def feed_channel(channel: Any, command: Command, chunks: Iterable[bytes], seconds: float, who: str) -> Result:
    """Run the command in an open ssh channel of the box `who` and send it these bytes.

    Raises TimeoutError if it does not end within `seconds`, or if the box has taken no byte for the command's limit on
    silence; EOFError if the connection broke or lab is stopping; and what `chunks` raise.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    outputs: dict[str, bytes] = {}
    failures: list[BaseException] = []
    silence = Silence(who, "byte of the transfer", inf if command.silence is None else command.silence)
    channel.exec_command(command.guarded(fed=True))
    threads = [
        threading.Thread(target=_read, args=(outputs, "stdout", channel.recv), daemon=True),
        threading.Thread(target=_read, args=(outputs, "stderr", channel.recv_stderr), daemon=True),
        threading.Thread(target=_write, args=(channel, chunks, failures, silence), daemon=True),
    ]
    for thread in threads:
        thread.start()
    while not channel.status_event.wait(min(STEP_SECONDS, silence.until_look)) and not failures:
        if time.monotonic() - clock > seconds or silence.is_over():
            raise TimeoutError
        if stopping.is_set() or channel.closed:
            raise EOFError
    if failures:
        channel.close()
        raise failures[0]
    for thread in threads[:2]:
        thread.join()
    if channel.exit_status < 0:
        raise EOFError
    spent = time.monotonic() - clock
    return Result(command, channel.exit_status, outputs["stdout"], outputs["stderr"], started, spent)


def _read(outputs: dict[str, bytes], name: str, receive: Callable[[int], bytes]) -> None:
    found = []
    with suppress(OSError):
        while piece := receive(65536):
            found.append(piece)
    outputs[name] = b"".join(found)


def _write(channel: Any, chunks: Iterable[bytes], failures: list[BaseException], silence: Silence) -> None:
    try:
        for chunk in chunks:
            try:
                channel.sendall(chunk)
                silence.heard()
            except OSError:  # the command ended before it had read all; its exit status says why
                return
        with suppress(OSError):
            channel.shutdown_write()
    except BaseException as error:
        failures.append(error)
        channel.close()


def rsync(source: Path, names: Path, target: str, timeout: float, login: Sequence[str] = ()) -> Command:
    """The command that copies the objects in the list `names` below `source` with `rsync -a`, as people do.

    `login` are the words of ssh that log in, the host last, if the target is on another host. rsync prints nothing, so
    it measures the silence itself.
    """
    words = ["rsync", "-a", f"--timeout={ceil(allowed(TRANSFER))}", "--from0", f"--files-from={names}"]
    if not login:
        return Command((*words, f"{source}/", f"{target}/"), timeout=timeout)
    *shell, host = login
    return Command((*words, "-e", shlex.join(shell), f"{source}/", f"{host}:{target}/"), timeout=timeout)


class Sink:
    """A text stream for Fabric that hands each chunk on as bytes; without `keeps`, Fabric stores none of them."""

    encoding = "latin-1"

    def __init__(self, name: str, on_output: OnOutput | None, *, keeps: bool = True) -> None:
        self.name = name
        self.on_output = on_output
        self.keeps = keeps

    def write(self, text: str) -> None:
        """Hand the chunk on."""
        if self.on_output:
            self.on_output(self.name, text.encode("latin-1"))

    def flush(self) -> None:
        """Do nothing: nothing is held back."""
