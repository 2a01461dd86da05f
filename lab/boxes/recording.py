"""A box that writes every command to a transcript, and leaves everything else to the box that it wraps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from lab.boxes.base import Box, Command, OnOutput, Result, Tell


class Record(Protocol):
    """What takes every command of a box: the transcript of a run, or one in memory."""

    def record(self, box: str, about: str, result: Result) -> None:
        """Add one command and its result; `about` is the trial or phase to which it belongs."""


class RecordingBox(Box):
    """A box that writes every command to a transcript."""

    def __init__(self, box: Box, transcript: Record) -> None:
        self.name = box.name
        self.box = box
        self.transcript = transcript
        self._about = ""
        self._hidden: dict[bytes, bytes] = {}

    @property
    def is_here(self) -> bool:
        """True if the wrapped box is this machine."""
        return self.box.is_here

    @contextmanager
    def about(self, what: str) -> Iterator[None]:
        """Mark the commands inside the context as part of this trial or phase."""
        before, self._about = self._about, what
        try:
            yield
        finally:
            self._about = before

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        """Run the command on the wrapped box and record it."""
        return self.recorded(self.box.execute(command, on_output))

    def put(self, source: Path, target: PurePosixPath) -> None:
        """Copy a file to the wrapped box; the transcript does not hold its bytes."""
        self.box.put(source, target)

    def feed(self, command: Command, chunks: Iterable[bytes]) -> Result:
        """Run the command with its input on the wrapped box; the transcript holds the command, not its input."""
        return self.recorded(self.box.feed(command, chunks))

    def copy_tree(self, source: Path, names: Path, target: PurePosixPath, timeout: float) -> Result:
        """Copy to the wrapped box and record the command, which runs on this machine."""
        return self.recorded(self.box.copy_tree(source, names, target, timeout))

    def hide(self, secret: bytes, shown: bytes) -> None:
        """Show `shown` instead of a secret in every later output."""
        hidden = self._hidden | {secret: shown}
        # the longest first: a secret may begin with another one
        self._hidden = dict(sorted(hidden.items(), key=lambda item: -len(item[0])))

    def forward_agent(self, on: bool) -> None:
        """Forward the agent to the wrapped box."""
        self.box.forward_agent(on)

    def recorded(self, result: Result) -> Result:
        """Record a command that has ended, and return its result as it was recorded, without secrets."""
        for secret, shown in self._hidden.items():
            result = replace(
                result, stdout=result.stdout.replace(secret, shown), stderr=result.stderr.replace(secret, shown)
            )
        self.transcript.record(self.name, self._about, result)
        return result

    def close(self) -> None:
        """Close the wrapped box's connection."""
        self.box.close()

    def state(self) -> str:
        """The state of the wrapped box."""
        return self.box.state()

    def bring_up(self, tell: Tell) -> None:
        """Bring the wrapped box up."""
        self.box.bring_up(tell)

    def suspend(self) -> None:
        """Suspend the wrapped box."""
        self.box.suspend()

    def destroy(self) -> None:
        """Destroy the wrapped box."""
        self.box.destroy()

    def login(self) -> Command:
        """The command that opens a shell on the wrapped box."""
        return self.box.login()

    def shell(self, script: str) -> Command:
        """The command that starts the script on the wrapped box; what the user does in it is not recorded."""
        return self.box.shell(script)

    def disconnected(self) -> AbstractContextManager[None]:
        """Disconnect the wrapped box."""
        return self.box.disconnected()

    def host_door(self, host_port: int, box_port: int) -> AbstractContextManager[None]:
        """Open the wrapped box's forward to a port of its own."""
        return self.box.host_door(host_port, box_port)

    def registry_door(self, box_port: int, host_port: int) -> AbstractContextManager[None]:
        """Open the wrapped box's forward to the registry."""
        return self.box.registry_door(box_port, host_port)
