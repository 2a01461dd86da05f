"""A host that is reached by ssh, through Fabric: one connection for commands, another for each forward."""

from __future__ import annotations

import logging
import shlex
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath

from fabric import Connection
from invoke.exceptions import CommandTimedOut, ThreadException

from lab.boxes.address import Address
from lab.boxes.base import Box, Command, OnOutput, Result, Tell
from lab.boxes.connecting import BROKEN, TRANSPORT_ERRORS, LogInRefused, RefusedError, connect, may_pass
from lab.boxes.feeding import Sink, feed_channel, rsync
from lab.boxes.forwards import ReverseForward, local_forward
from lab.boxes.hostkeys import FINAL, address_hint, fingerprints, log_in_hint, unreachable, why
from lab.boxes.process import run_process
from lab.boxes.silent_commands import UnansweredError, run_while_heard
from lab.boxes.states import state_at
from lab.errors import BoxError, Interrupted, LabError
from lab.model import Progress
from lab.retries import Attempts, attempt
from lab.silence import LONGER, TRANSFER, Silence
from lab.workers import stopping, wait_for

ASK_SECONDS = 60  # for a question that takes no time
GRACE_SECONDS = 45  # the box's own `timeout` acts first; after this time the connection counts as dead
CONNECTING = Attempts(most=3, first=0.5)
CONNECTING_SECONDS = 30  # an attempt that took longer was the last one
# paramiko logs a broken connection with a traceback, which would be printed; the error that it raises is enough
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class SshBox(Box):
    """A machine behind ssh. Its host key is stored at the first `bring_up` and checked at every later connection.

    `users_hosts` is the user's own file of known hosts, for a machine that lab did not make: a key that stands there
    must be the machine's at the first `bring_up` too.
    """

    def __init__(self, name: str, address: Address | None, known_hosts: Path, users_hosts: Path | None = None) -> None:
        self.name = name
        self.address = address
        self.known_hosts = known_hosts
        self.users_hosts = users_hosts
        self._connection: Connection | None = None
        self._forwards_agent = False
        self._lock = threading.Lock()
        self._doors: list[ReverseForward] = []

    def state(self) -> str:
        """`running` if something listens where ssh should, else `unreachable`; costs a second at most."""
        return state_at(self.address)

    def bring_up(self, tell: Tell) -> None:
        """Reach the host and remember its key if this is the first time."""
        tell(Progress(self.name, "reaching it by ssh"))
        is_new = not self._knows_key()
        self.wait_until_reachable(60, hint=address_hint(self.name, self.address) if self.address else None)
        if is_new and self.users_hosts and (keys := fingerprints(self.known_hosts)):
            tell(Progress(self.name, f"its host key is {keys[0]}, which lab expects from now on"))
        tell(Progress(self.name, "ready", done=True))

    def wait_until_reachable(
        self,
        seconds: float,
        console: Callable[[], str] = str,
        *,
        booting: bool = False,
        progress: Callable[[], object] | None = None,
        every: float = 1,
        hint: str | None = None,
    ) -> None:
        """Wait until ssh answers, for `seconds` at most, or for `seconds` since the value of `progress` last changed.

        lab asks again after `every` seconds.

        Raises BoxError with the text of `console` as its output. A host that refuses the user or the key, or whose
        algorithms lab does not have, is not asked again; a refusal counts only of one that is not `booting`.
        """

        def look() -> Connection | str:
            try:
                return self._open(learn=not self._knows_key())
            except RefusedError as error:
                if not booting:
                    raise
                return error.message
            except BoxError as error:
                if isinstance(error.__cause__, FINAL):
                    raise
                return error.message

        wait = partial(wait_for, f"ssh on {self.name}", look, timeout=seconds, every=every, error=BoxError)
        self._connection = wait(detail=console, progress=progress, who=self.name, hint=hint)

    def _knows_key(self) -> bool:
        """True if a host key is stored; an `up` that was killed may have left the file empty."""
        return self.known_hosts.exists() and self.known_hosts.stat().st_size > 0

    def close(self) -> None:
        """Close the connection; the next command opens another."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        """Run the command through the box's shell; the connection's own failures are BoxErrors."""
        if command.silence is None:
            return self._execute(command, on_output)
        try:
            return run_while_heard(self.name, command, self._execute, self.close, on_output)
        except UnansweredError as error:
            raise self._no_answer(command) from error

    def _execute(self, command: Command, on_output: OnOutput | None = None, mark: str = "") -> Result:
        started, clock = datetime.now(UTC), time.monotonic()
        out, err = (Sink(name, on_output, keeps=command.keeps) for name in ("stdout", "stderr"))
        try:
            result = self._connect().run(
                command.guarded(mark=mark),
                warn=True,
                in_stream=False,
                # a letter a byte: what the box sent comes back byte for byte
                encoding="latin-1",
                timeout=command.timeout + GRACE_SECONDS,
                out_stream=out,
                err_stream=err,
            )
        except CommandTimedOut as error:
            raise self._no_answer(command) from error
        except ThreadException as error:
            self.close()  # a command that still prints ends with its connection
            value = error.exceptions[0].value
            raise (self._lost(command, value) if isinstance(value, BROKEN) else value) from error
        except TRANSPORT_ERRORS as error:
            raise self._lost(command, error) from error
        if result.exited < 0:
            if stopping.is_set():
                raise Interrupted(f"stopped while {self.name} ran `{command.line()}`")
            raise BoxError(
                f"cannot read how `{command.line()}` ended on {self.name}: the connection broke",
                hint="look at it with `python -m lab status`, then run the command again",
            )
        out, err = result.stdout.encode("latin-1"), result.stderr.encode("latin-1")
        return Result(command, result.exited, out, err, started, time.monotonic() - clock)

    def feed(self, command: Command, chunks: Iterable[bytes]) -> Result:
        """Run the command in a channel of its own and send these bytes."""
        try:
            channel = self._connect().transport.open_session()
            return feed_channel(channel, command, chunks, command.timeout + GRACE_SECONDS, self.name)
        except TimeoutError as error:
            raise self._no_answer(command) from error
        except TRANSPORT_ERRORS as error:
            raise self._lost(command, error) from error

    def copy_tree(self, source: Path, names: Path, target: PurePosixPath, timeout: float) -> Result:
        """Copy by this machine's rsync through ssh."""
        return run_process(rsync(source, names, str(target), timeout, self.login().argv))

    def forward_agent(self, on: bool) -> None:
        """Forward the user's agent to later commands, in a new connection; none if the host's sshd forbids it.

        sshd gives an agent to all sessions of a connection once one of them has asked for it.
        """
        if on != self._forwards_agent:
            self._forwards_agent = on
            self.close()

    def _no_answer(self, command: Command) -> BoxError:
        """The error for a box that does not answer; its connection counts as dead."""
        self.close()
        return BoxError(
            f"cannot reach {self.name} any more: no answer to `{command.line()}`",
            hint=f"look at it with `python -m lab status`; `python -m lab up {self.name}` brings it back",
        )

    def _lost(self, command: Command, error: BaseException) -> LabError:
        """The error for a connection that broke while a command ran."""
        self.close()
        if stopping.is_set():
            return Interrupted(f"stopped while {self.name} ran `{command.line()}`")
        return self._unreachable(error)

    def put(self, source: Path, target: PurePosixPath) -> None:
        """Copy a host file to the box by sftp, then rename it into place."""
        part = target.with_name(target.name + ".part")
        silence = Silence(self.name, "byte of the transfer", TRANSFER)
        try:
            sftp = self._connect().sftp()
            with silence.watched(self.close):
                sftp.put(str(source), str(part), callback=lambda done, size: silence.heard())
                sftp.chmod(str(part), source.stat().st_mode & 0o7777)
        except TRANSPORT_ERRORS as error:
            if stopping.is_set():
                raise Interrupted(f"stopped while {source.name} was copied to {self.name}") from error
            cause = f"the box took no byte for {silence.limit:g} s" if silence.ended else why(error)
            raise BoxError(
                f"cannot copy {source.name} to {self.name}: {cause}", hint=LONGER if silence.ended else None
            ) from error
        self.check(["mv", str(part), str(target)], doing=f"put {source.name} in its place")

    def login(self) -> Command:
        """OpenSSH with the same key and the same remembered host key."""
        if self.address is None:
            raise BoxError(f"cannot log in to {self.name}: it is not up", hint=f"python -m lab up {self.name}")
        if not self._knows_key():
            raise BoxError(f"cannot trust {self.name}: it was never reached", hint=f"python -m lab up {self.name}")
        key = ["-i", self.address.key, "-o", "IdentitiesOnly=yes"] if self.address.key else []
        known = f"UserKnownHostsFile={self.known_hosts}"
        port = ["-p", str(self.address.port), "-o", known, "-o", "StrictHostKeyChecking=yes"]
        return Command(("ssh", *key, *port, f"{self.address.user}@{self.address.host}"))

    def host_door(self, host_port: int, box_port: int) -> AbstractContextManager[None]:
        """A forward from this machine to the box, in a connection of its own."""
        return local_forward(self._open, host_port, box_port)

    @contextmanager
    def registry_door(self, box_port: int, host_port: int) -> Iterator[None]:
        """A reverse forward in a connection of its own."""
        door = ReverseForward(self.name, self._open, self._printed, box_port, host_port)
        door.open()
        self._doors.append(door)
        try:
            yield
        finally:
            self._doors.remove(door)
            door.close()

    def _printed(self, script: str) -> str:
        # in the connection for commands: sshd takes four times as long for the first command of another one
        return self.run(["sh", "-c", script], timeout=ASK_SECONDS).output.decode("utf-8", "replace")

    @contextmanager
    def disconnected(self) -> Iterator[None]:
        """Close all connections for the time of the context; afterwards, open the forwards to the registry again."""
        self.close()
        for door in self._doors:
            door.close()
        yield
        for door in self._doors:
            door.open()

    def shell(self, script: str) -> Command:
        """OpenSSH with a terminal on the box, in which the box's sh runs the script."""
        login = self.login().argv
        return Command((*login[:-1], "-t", login[-1], f"exec sh -c {shlex.quote(script)}"))

    def _connect(self) -> Connection:
        with self._lock:
            if self._connection is not None and self._connection.is_connected:
                return self._connection
        # outside the lock: it may take a minute, and Ctrl-C closes the connection meanwhile
        end = time.monotonic() + CONNECTING_SECONDS

        def passing(error: Exception) -> bool:
            return may_pass(error) and time.monotonic() < end

        made = attempt(self.name, "connect", self._open, on=BoxError, passing=passing, attempts=CONNECTING)
        with self._lock:
            if self._connection is None or not self._connection.is_connected:
                self._connection = made
            elif self._connection is not made:
                made.close()
            return self._connection

    def _open(self, learn: bool = False) -> Connection:
        """A new connection; `learn` remembers a host key that is not known yet instead of refusing it."""
        if self.address is None:
            raise BoxError(f"cannot reach {self.name}: it is not up", hint=f"python -m lab up {self.name}")
        try:
            users, agent = self.users_hosts, self._forwards_agent
            return connect(self.address, self.known_hosts, users, learn=learn, forward_agent=agent)
        except LogInRefused as refused:
            raise self._refusal(refused.why) from refused.why
        except TRANSPORT_ERRORS as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: BaseException) -> BoxError:
        return unreachable(self.name, self.known_hosts, error, self.users_hosts)

    def _refusal(self, error: BaseException) -> BoxError:
        """The error for a host that answers and refuses the login."""
        assert self.address
        return RefusedError(
            f"cannot log in to {self.name} as {self.address.user}: {why(error)}", hint=self._entry(self.address)
        )

    def _entry(self, address: Address) -> str:
        """The hint: where user and key come from."""
        return log_in_hint(self.name, address)
