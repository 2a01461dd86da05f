"""The protocol of a box: the commands it takes and the results it returns.

A command is an argument list. It is quoted here, once, and gets one preamble: a folder, `LC_ALL=C`, its own
variables and a time limit. `run` returns a Result whatever the exit status is; `check` raises.
"""

from __future__ import annotations

import os
import shlex
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TypeVar

from lab.errors import BoxError, CommandError
from lab.model import Progress
from lab.silence import LONGER

TIMED_OUT = 124  # the exit status of coreutils' timeout(1); LocalBox uses the same number
KILLED = 137  # the shell's status for a program that SIGKILL ended: by `timeout -k`, or because memory ran out
KILL_SECONDS = 10  # seconds that a program may run on after SIGTERM
NO_SPACE = b"No space left on device"  # the system's text for a full disk, as programs print it
NOT_FOUND = 127  # the shell's status for a program that does not exist
MARK = "LAB_COMMAND"
T = TypeVar("T")
Tell = Callable[[Progress], None]  # logic reports progress by calling this; the CLI listens
OnOutput = Callable[[str, bytes], None]  # called with "stdout" or "stderr" and the bytes that just arrived


class Forgetting(list[T]):
    """A list that stays empty, for what a command without `keeps` prints."""

    def append(self, piece: T) -> None:
        """Drop the piece."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command for a box: arguments, variables, folder, time limit in seconds. Only `feed` gives it an input.

    `silence` ends the command when it has printed nothing for so many seconds; None allows silence for its whole time.
    Without `keeps`, its output goes to the listener alone, and the Result has none: no output is too long then.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: PurePosixPath | None = None
    timeout: float = 600
    silence: float | None = None
    keeps: bool = True

    def line(self) -> str:
        """The command as a person would type it: folder, variables and quoted arguments."""
        words = [f"{name}={shlex.quote(value)}" for name, value in self.env.items()]
        text = " ".join([*words, shlex.join(self.argv)])
        return f"cd {shlex.quote(str(self.cwd))} && {text}" if self.cwd else text

    def guarded(self, *, fed: bool = False, mark: str = "") -> str:
        """The line for a shell: `line` with the C locale and a time limit that the box itself enforces.

        The input is empty, or the shell's own if the command is `fed`. By the `mark` in its environment, the command is
        found on the box.

        `timeout` sends SIGTERM first; `-k` kills a command that ignores it. `exit $?` keeps the shell running, so that
        it turns a death by signal into an exit status: sshd reports no status at all for a signal.
        """
        marks = [f"{MARK}={mark}"] if mark else []
        words = ["LC_ALL=C", *marks, *(f"{name}={shlex.quote(value)}" for name, value in self.env.items())]
        limit = f"timeout -k {KILL_SECONDS} {self.timeout:g}"
        text = f"env {' '.join(words)} {limit} {shlex.join(self.argv)}{'' if fed else ' </dev/null'}; exit $?"
        return f"cd {shlex.quote(str(self.cwd))} && {text}" if self.cwd else text


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a command: exit status, output bytes, start (UTC) and duration in seconds.

    `silent` is the limit on silence in seconds that ended the command; None if that did not end it.
    """

    command: Command
    exit: int
    stdout: bytes
    stderr: bytes
    started: datetime
    seconds: float
    silent: float | None = None

    @property
    def ok(self) -> bool:
        """True if the command ended with status 0."""
        return self.exit == 0

    @property
    def timed_out(self) -> bool:
        """True if a limit on time or silence ended the command. A SIGKILL before it came from something else."""
        return self.exit == TIMED_OUT or (self.exit == KILLED and self.seconds >= self.command.timeout)

    @property
    def overrun(self) -> str:
        """Which limit ended a command that has `timed_out`, for an error."""
        if self.silent is not None:
            return f"it printed nothing for {self.silent:g} s"
        return f"it did not end within {self.command.timeout:g} s"

    def why_failed(self, program: str = "") -> str:
        """The limit that ended a command that is not `ok`, else its exit status, which may be named as a program's."""
        status = f"exit status {self.exit}"
        return self.overrun if self.timed_out else f"{program}'s {status}" if program else status

    @property
    def text(self) -> str:
        """Standard output as text, without the final line feed."""
        return self.stdout.decode("utf-8", "replace").rstrip("\n")

    @property
    def output(self) -> bytes:
        """Standard output followed by standard error, for error messages and for parsers that read both."""
        return self.stdout + self.stderr


class Box(ABC):
    """One machine that runs commands. A kind of box in this package implements it, and RecordingBox wraps it."""

    name: str

    @property
    def is_here(self) -> bool:
        """True if its commands run on the machine of lab itself."""
        return False

    @abstractmethod
    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        """Run the command and return its result; raise BoxError only if the box itself fails."""

    @abstractmethod
    def put(self, source: Path, target: PurePosixPath) -> None:
        """Copy one host file to the box through a temporary name, so that `target` is complete or absent."""

    def feed(self, command: Command, chunks: Iterable[bytes]) -> Result:
        """Run the command with these bytes as its input, which no transcript holds; BoxError only if the box fails.

        An error that `chunks` raises ends the command and is raised here.
        """
        raise BoxError(f"cannot send to {self.name}: lab writes nothing on this kind of box")

    def copy_tree(self, source: Path, names: Path, target: PurePosixPath, timeout: float) -> Result:
        """Copy objects below `source` to a folder of the box with the user's own `rsync -a`.

        The file `names` lists them, relative to `source`, each with a NUL after it.
        """
        raise BoxError(f"cannot send to {self.name}: lab writes nothing on this kind of box")

    def hide(self, secret: bytes, shown: bytes) -> None:
        """Let a record of this box show `shown` in place of a secret; a box that nothing records does nothing."""

    def forward_agent(self, on: bool) -> None:
        """Let later commands use the ssh agent of this machine's user, as `ssh -A` does, or end that.

        On this machine itself, commands have that agent in any case.
        """

    def close(self) -> None:
        """Close the connections; the box itself does not change."""

    def state(self) -> str:
        """The state, found without starting a program: running, suspended, not created or unreachable."""
        return "running"

    def bring_up(self, tell: Tell) -> None:
        """Make the box ready for commands: create it, resume it or connect to it. Raises BoxError."""

    def suspend(self) -> None:
        """Suspend the box so that `bring_up` is quick; a box that lab did not make is not changed."""

    def destroy(self) -> None:
        """Remove everything that lab made for this box; a box that lab did not make is not changed."""

    def login(self) -> Command:
        """The command that opens a shell of the user's own on the box."""
        return Command((os.environ.get("SHELL", "/bin/sh"),))

    def shell(self, script: str) -> Command:
        """The command that lets the user work in what this script for sh starts on the box, at the terminal."""
        return Command(("sh", "-c", script))

    def disconnected(self) -> AbstractContextManager[None]:
        """While the context is open, nothing is connected to the box; its forwards are open again afterwards."""
        return nullcontext()

    def host_door(self, host_port: int, box_port: int) -> AbstractContextManager[None]:
        """While the context is open, localhost:host_port of this machine leads to localhost:box_port on the box."""
        return nullcontext()

    def registry_door(self, box_port: int, host_port: int) -> AbstractContextManager[None]:
        """While the context is open, localhost:box_port on the box leads to localhost:host_port of this machine."""
        return nullcontext()

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: PurePosixPath | None = None,
        timeout: float = 600,
        silence: float | None = None,
        on_output: OnOutput | None = None,
    ) -> Result:
        """Run a command on the box and return its Result whatever the exit status is."""
        command = Command(tuple(argv), dict(env or {}), cwd, timeout, silence)
        return self.execute(command, on_output)

    def check(
        self,
        argv: Sequence[str],
        *,
        doing: str,
        hint: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: PurePosixPath | None = None,
        timeout: float = 600,
        silence: float | None = None,
        on_output: OnOutput | None = None,
    ) -> Result:
        """Run a command that must succeed; raise CommandError "cannot <doing> on <box>: ..." if it does not."""
        result = self.run(argv, env=env, cwd=cwd, timeout=timeout, silence=silence, on_output=on_output)
        if not result.ok:
            raise failure(self.name, doing, result, hint)
        return result


def failure(where: str, doing: str, result: Result, hint: str | None = None) -> CommandError:
    """The error for a command that failed: the purpose, the box, the command, its last lines."""
    why = result.why_failed()
    if result.exit == NOT_FOUND:
        why = f"`{result.command.argv[0]}` does not exist there"
    elif result.exit == KILLED and not result.timed_out:
        why = f"{why} (killed, possibly because memory ran out)"
    if result.silent is not None:
        hint = hint or f"look at what the command does there; {LONGER}"
    if NO_SPACE in result.output:
        hint = hint or f"free disk space on {where}, then run the command again"
    return CommandError(f"cannot {doing} on {where}: {why}: `{result.command.line()}`", hint=hint, output=result.output)
