"""What every box can do, and the one door to the shell: nothing else in lab imports subprocess.

A command is an argument list. It is quoted here, once, and gets one preamble: a folder, `LC_ALL=C`, the
variables it asked for and a time limit. `run` gives a Result whatever the exit status; `check` raises.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

import psutil

from lab.errors import CommandError, HostError
from lab.model import Progress

TIMED_OUT = 124  # the exit status of coreutils' timeout(1); LocalBox uses the same number
NOT_FOUND = 127  # the shell's status for a program that is not there
Tell = Callable[[Progress], None]  # how logic speaks: the CLI listens
OnOutput = Callable[[str, bytes], None]  # ("stdout" or "stderr", the bytes that just came)


@dataclass(frozen=True, slots=True)
class Command:
    """One command for a box: arguments, variables, folder, time limit in seconds. Its input is always empty."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: PurePosixPath | None = None
    timeout: float = 600

    def line(self) -> str:
        """The command as a person would type it: folder, variables and quoted arguments."""
        words = [f"{name}={shlex.quote(value)}" for name, value in self.env.items()]
        text = " ".join([*words, shlex.join(self.argv)])
        return f"cd {shlex.quote(str(self.cwd))} && {text}" if self.cwd else text

    def guarded(self) -> str:
        """The line a shell is given: as `line`, with the C locale and a time limit the box keeps itself.

        `timeout` lets the command end by SIGTERM first; `-k 10` kills what does not listen. `exit $?` makes the
        shell stay and turn a death by signal into a status: sshd reports a signal as no status at all.
        """
        words = ["LC_ALL=C", *(f"{name}={shlex.quote(value)}" for name, value in self.env.items())]
        text = f"env {' '.join(words)} timeout -k 10 {self.timeout:g} {shlex.join(self.argv)} </dev/null; exit $?"
        return f"cd {shlex.quote(str(self.cwd))} && {text}" if self.cwd else text


@dataclass(frozen=True, slots=True)
class Result:
    """What came back: exit status, output bytes, when it started (UTC) and how long it took in seconds."""

    command: Command
    exit: int
    stdout: bytes
    stderr: bytes
    started: datetime
    seconds: float

    @property
    def ok(self) -> bool:
        """True if the command ended with status 0."""
        return self.exit == 0

    @property
    def text(self) -> str:
        """Standard output as text, without the last line's end."""
        return self.stdout.decode("utf-8", "replace").rstrip("\n")

    @property
    def output(self) -> bytes:
        """Standard output and then standard error; for error messages and for parsers that take both."""
        return self.stdout + self.stderr


class Box(ABC):
    """One machine that takes commands; made by a kind in this package, wrapped by RecordingBox."""

    name: str

    @abstractmethod
    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        """Run the command and return what came back; raise BoxError only if the box itself fails."""

    @abstractmethod
    def put(self, source: Path, target: PurePosixPath) -> None:
        """Copy one host file to the box, through a temporary name, so that `target` is whole or absent."""

    def close(self) -> None:
        """Let go of connections; the box itself stays as it is."""

    def state(self) -> str:
        """One word on how the box stands, found without cost: running, suspended, not created, unreachable."""
        return "running"

    def bring_up(self, tell: Tell) -> None:
        """Make the box ready for commands: create, resume or merely reach it. Raises BoxError."""

    def suspend(self) -> None:
        """Put the box to sleep so that `bring_up` is quick; a box that lab did not make is left alone."""

    def destroy(self) -> None:
        """Remove all that lab made of this box; a box that lab did not make is left alone."""

    def login(self) -> Command:
        """The command that opens a shell of the user's own on the box."""
        return Command((os.environ.get("SHELL", "/bin/sh"),))

    def host_door(self, host_port: int, box_port: int) -> AbstractContextManager[None]:
        """While it is open, localhost:host_port of this machine is localhost:box_port on the box."""
        return nullcontext()

    def registry_door(self, box_port: int, host_port: int) -> AbstractContextManager[None]:
        """While it is open, localhost:box_port on the box is localhost:host_port of this machine."""
        return nullcontext()

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: PurePosixPath | None = None,
        timeout: float = 600,
        on_output: OnOutput | None = None,
    ) -> Result:
        """Run a command on the box and return its Result whatever the exit status."""
        command = Command(tuple(argv), dict(env or {}), cwd, timeout)
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
        on_output: OnOutput | None = None,
    ) -> Result:
        """Run a command that must succeed; raise CommandError "cannot <doing> on <box>: ..." if it does not."""
        result = self.run(argv, env=env, cwd=cwd, timeout=timeout, on_output=on_output)
        if not result.ok:
            raise failure(self.name, doing, result, hint)
        return result


def failure(where: str, doing: str, result: Result, hint: str | None = None) -> CommandError:
    """The error for a command that failed: what was being done, where, the command, its last lines."""
    why = (
        f"no end within {result.command.timeout:g} s"
        if result.exit == TIMED_OUT
        else f"`{result.command.argv[0]}` is not there"
        if result.exit == NOT_FOUND
        else f"exit status {result.exit}"
    )
    return CommandError(
        f"cannot {doing} on {where}: {why} of `{result.command.line()}`", hint=hint, output=result.output
    )


def run_process(command: Command, on_output: OnOutput | None = None, *, interactive: bool = False) -> Result:
    """Run a command on this machine; a program that is not there gives status 127, as a shell would.

    `interactive` hands it the terminal and captures nothing. On Ctrl-C the child is sent SIGTERM, then killed.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    pipe = None if interactive else subprocess.PIPE
    try:
        process = subprocess.Popen(
            command.argv,
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            cwd=command.cwd,
            env={**os.environ, "LC_ALL": "C", **command.env},
        )
    except OSError as error:
        # Popen names the folder if that is what is not there; a shell's `cd` would end with status 1
        what = str(error.filename or command.argv[0])
        status = 1 if what == str(command.cwd) else NOT_FOUND
        text = f"{what}: {error.strerror}\n".encode()
        return Result(command, status, b"", text, started, time.monotonic() - clock)
    chunks: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    threads = [] if interactive else _pump(process, chunks, on_output)
    try:
        status = process.wait(None if interactive else command.timeout)
    except subprocess.TimeoutExpired:
        _end(process)
        status = TIMED_OUT
    except BaseException:
        _end(process)
        raise
    # a daemon that the command left behind may keep the pipes open for ever: do not wait for it
    deadline = time.monotonic() + 2
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    seconds = time.monotonic() - clock
    return Result(command, status, b"".join(chunks["stdout"]), b"".join(chunks["stderr"]), started, seconds)


def _pump(
    process: subprocess.Popen[bytes], chunks: dict[str, list[bytes]], on_output: OnOutput | None
) -> list[threading.Thread]:
    """Start the threads that collect what the child says, chunk by chunk as it comes."""

    def read(name: str, stream: IO[bytes]) -> None:
        with stream:
            while chunk := os.read(stream.fileno(), 65536):
                chunks[name].append(chunk)
                if on_output:
                    on_output(name, chunk)

    assert process.stdout and process.stderr
    threads = [
        threading.Thread(target=read, args=("stdout", process.stdout), daemon=True),
        threading.Thread(target=read, args=("stderr", process.stderr), daemon=True),
    ]
    for thread in threads:
        thread.start()
    return threads


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and all it has started: SIGTERM, and SIGKILL after ten seconds, as timeout(1) does on a box."""
    family: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.terminate()
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for member in psutil.wait_procs(family, timeout=1)[1]:
        with suppress(psutil.NoSuchProcess):
            member.kill()


class Child:
    """A program of ours that runs beside lab (a registry, an emulator) with its output in a log file."""

    def __init__(self, argv: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None) -> None:
        self.argv = tuple(argv)
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            try:
                self._process = subprocess.Popen(
                    self.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    env={**os.environ, **(env or {})},
                    start_new_session=True,  # a Ctrl-C is for lab, which then ends its children in order
                )
            except OSError as error:
                raise HostError(f"cannot start {self.argv[0]}: {error.strerror}") from error

    @property
    def pid(self) -> int:
        """The process id, to be noted on disk."""
        return self._process.pid

    def alive(self) -> bool:
        """True while the program runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the program: SIGTERM, and SIGKILL after ten seconds. Harmless if it has ended."""
        if self.alive():
            _end(self._process)

    def said(self) -> str:
        """All it has printed until now."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""
