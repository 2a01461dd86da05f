"""The one door to the shell: programs of this machine, run to their end or beside lab. Nothing else starts one."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import IO

import psutil

from lab.boxes.at_terminal import at_terminal
from lab.boxes.base import KILL_SECONDS, NOT_FOUND, TIMED_OUT, Command, Forgetting, OnOutput, Result
from lab.errors import HostError, reason
from lab.silence import Silence


def run_process(
    command: Command,
    on_output: OnOutput | None = None,
    *,
    interactive: bool = False,
    chunks: Iterable[bytes] | None = None,
    who: str = "this machine",
) -> Result:
    """Run a command on this machine; a missing program gives status 127, as in a shell.

    `interactive` hands it the terminal and captures nothing: Ctrl-C is then for the program and not for lab. `chunks`
    are its input, which is empty without them. On Ctrl-C the program is sent SIGTERM and then killed. The same happens
    if `on_output` or `chunks` raise; their exception is then raised here. A command that has been silent for its limit
    ends with status 124, like one that has run too long; each byte of output or input is a sign, and notices of its
    silence name `who`.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    try:
        if interactive:
            status = at_terminal(command)
            return Result(command, status, b"", b"", started, time.monotonic() - clock)
        process = _start(command, fed=chunks is not None)
    except OSError as error:
        return _not_started(command, error, started, time.monotonic() - clock)
    collected: dict[str, list[bytes]] = {name: [] if command.keeps else Forgetting() for name in ("stdout", "stderr")}
    failures: list[BaseException] = []
    silence = Silence(who, "output", inf if command.silence is None else command.silence)
    threads = _pump(process, collected, silence.hearing(on_output), failures)
    if chunks is not None:
        threads.append(_feed(process, silence.feeding(chunks), failures))
    try:
        with silence.watched(lambda: _end(process)) if command.silence is not None else nullcontext():
            status = _wait(process, command.timeout)
        # a death by signal, as a shell puts it
        status = TIMED_OUT if silence.ended else 128 - status if status < 0 else status
    except subprocess.TimeoutExpired:
        _end(process)
        status = TIMED_OUT
    except BaseException:
        _end(process)
        raise
    # a daemon that the command left behind may keep the pipes open indefinitely: lab does not wait for it
    deadline = time.monotonic() + 2
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if failures:
        raise failures[0]
    seconds = time.monotonic() - clock
    out, err = (b"".join(collected[name]) for name in ("stdout", "stderr"))
    return Result(command, status, out, err, started, seconds, silence.limit if silence.ended else None)


def _start(command: Command, *, fed: bool) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command.argv,
        stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=command.cwd,
        env={**os.environ, "LC_ALL": "C", **command.env},
    )


def _wait(process: subprocess.Popen[bytes], timeout: float) -> int:
    """Wait until a program ends, and return its status at once; TimeoutExpired after `timeout` seconds.

    `Popen.wait` with a timeout looks only every 50 ms, which is longer than many commands take. Linux says when a
    process ends.
    """
    if hasattr(os, "pidfd_open"):
        with suppress(OSError):  # Linux before 5.3 has none, and a program that has ended needs none
            handle = os.pidfd_open(process.pid)
            try:
                poll = select.poll()
                poll.register(handle, select.POLLIN)
                if not poll.poll(timeout * 1000):
                    timeout = 0
            finally:
                os.close(handle)
    return process.wait(timeout)


def _not_started(command: Command, error: OSError, started: datetime, seconds: float) -> Result:
    """The result of a program that did not start; a shell's `cd` ends with status 1, and Popen names the folder."""
    what = str(error.filename or command.argv[0])
    status = 1 if what == str(command.cwd) else NOT_FOUND
    return Result(command, status, b"", f"{what}: {reason(error)}\n".encode(), started, seconds)


def _feed(process: subprocess.Popen[bytes], chunks: Iterable[bytes], failures: list[BaseException]) -> threading.Thread:
    """Start the thread that writes the child's input; a child that ends before it has read all is no failure."""

    def write() -> None:
        assert process.stdin
        try:
            with suppress(BrokenPipeError), process.stdin as stream:
                for chunk in chunks:
                    stream.write(chunk)
        except BaseException as error:
            failures.append(error)  # raised in the thread that called run_process, which waits for the child
            _end(process)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def _pump(
    process: subprocess.Popen[bytes],
    chunks: dict[str, list[bytes]],
    on_output: OnOutput,
    failures: list[BaseException],
) -> list[threading.Thread]:
    """Start the threads that read what the child prints, chunk by chunk as it comes; a failure ends the child."""

    def read(name: str, stream: IO[bytes]) -> None:
        try:
            with stream:
                while chunk := os.read(stream.fileno(), 65536):
                    chunks[name].append(chunk)
                    on_output(name, chunk)
        except BaseException as error:
            failures.append(error)  # raised in the thread that called run_process, which waits for the child
            _end(process)

    assert process.stdout and process.stderr
    threads = [
        threading.Thread(target=read, args=("stdout", process.stdout), daemon=True),
        threading.Thread(target=read, args=("stderr", process.stderr), daemon=True),
    ]
    for thread in threads:
        thread.start()
    return threads


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and all it has started: SIGTERM, and SIGKILL after KILL_SECONDS, as timeout(1) does on a box."""
    family: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(process.pid)
        family = [*top.children(recursive=True), top]
    _signal(family, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(KILL_SECONDS)
    _signal(psutil.wait_procs(family, timeout=1)[1], signal.SIGKILL)
    process.wait()


def end_family(tops: Iterable[psutil.Process]) -> None:
    """End programs that are no children of this process, with all that they have started: SIGTERM, then SIGKILL."""
    family: list[psutil.Process] = []
    for top in tops:
        with suppress(psutil.NoSuchProcess):
            family += [*top.children(recursive=True), top]
    _signal(family, signal.SIGTERM)
    deaf = psutil.wait_procs(family, timeout=KILL_SECONDS)[1]
    _signal(deaf, signal.SIGKILL)
    psutil.wait_procs(deaf, timeout=KILL_SECONDS)


def _signal(family: Iterable[psutil.Process], number: int) -> None:
    """Send a signal to these programs; to those that a plain user started by sudo, as root."""
    for member in family:
        try:
            member.send_signal(number)
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied:
            kill = ["sudo", "-n", "kill", f"-{int(number)}", str(member.pid)]
            with suppress(OSError):
                subprocess.run(kill, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def start_of(pid: int) -> str | None:
    """When the process of this id started, in a form that no other process of that id shares; None if none runs.

    On Linux it is the boot's id with the kernel's own count of ticks: a clock that is set changes neither.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
        return None
    fields = stat.rpartition(")")[2].split()  # proc(5): the third field on
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


# The shell reads from a pipe whose other end only lab has. The kernel closes that end when lab dies, however it dies.
WATCH = """trap '' INT TERM HUP; read -r _ || exec "$@" """


@contextmanager
def when_killed(argv: Sequence[str], env: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run a command if this process ends within the context without leaving it: by SIGKILL, or by a second Ctrl-C.

    The waiting shell and the command have the variables of `env` too. They are in a session of their own, so that a
    signal to lab's process group does not end them.
    """
    reader, writer = os.pipe()  # no program that lab starts inherits the writer
    try:
        waiting = subprocess.Popen(
            ["sh", "-c", WATCH, "sh", *argv],
            stdin=reader,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    except OSError as error:
        os.close(writer)
        raise HostError(f"cannot start sh: {reason(error)}") from error
    finally:
        os.close(reader)
    try:
        yield
    except Exception:
        _dismiss(waiting, writer)
        raise
    except BaseException:
        os.close(writer)  # interrupted while it cleaned up: the command does the rest
        raise
    else:
        _dismiss(waiting, writer)


def _dismiss(waiting: subprocess.Popen[bytes], writer: int) -> None:
    with suppress(OSError):  # the shell itself was killed
        os.write(writer, b"\n")
    os.close(writer)
    waiting.wait()


class Child:
    """A program that runs beside lab (a registry, an emulator) with its output in a log file.

    `boxes.beside` starts those of a run, and notes them on disk.
    """

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
                raise HostError(f"cannot start {self.argv[0]}: {reason(error)}") from error

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def alive(self) -> bool:
        """True while the program runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the program: SIGTERM, and SIGKILL after ten seconds. Harmless if it has ended."""
        if self.alive():
            _end(self._process)

    def output(self) -> str:
        """All it has printed until now."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""
