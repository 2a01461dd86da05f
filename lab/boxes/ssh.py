"""A host that is reached by ssh, through Fabric: one connection for commands, another for each forward."""

from __future__ import annotations

import shlex
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from fabric import Config, Connection
from invoke.exceptions import CommandTimedOut, ThreadException
from paramiko import AutoAddPolicy, SSHException

from lab.boxes.base import Box, Command, OnOutput, Result, Tell
from lab.boxes.feeding import Sink, feed_channel, rsync
from lab.boxes.forwards import ReverseForward, local_forward
from lab.boxes.hostkeys import FINAL, SameKey, at_log_in, unreachable, why
from lab.boxes.notes import Address
from lab.boxes.process import run_process
from lab.errors import BoxError, Interrupted, LabError
from lab.model import Progress
from lab.workers import stopping, wait_for

CONNECT_SECONDS = 15
GRACE_SECONDS = 45  # the box's own `timeout` acts first; after this time the connection counts as dead
TRANSPORT_ERRORS = (SSHException, OSError, EOFError, ValueError)  # ValueError: a key file that is no key


class SshBox(Box):
    """A machine behind ssh. Its host key is stored at the first `bring_up` and checked at every later connection."""

    def __init__(self, name: str, address: Address | None, known_hosts: Path) -> None:
        self.name = name
        self.address = address
        self.known_hosts = known_hosts
        self._connection: Connection | None = None
        self._forwards_agent = False
        self._lock = threading.Lock()
        self._doors: list[ReverseForward] = []

    def state(self) -> str:
        """`running` if something listens where ssh should, else `unreachable`; costs a second at most."""
        if self.address is None:
            return "not created"
        try:
            with socket.create_connection((self.address.host, self.address.port), timeout=1):
                return "running"
        except OSError:
            return "unreachable"

    def bring_up(self, tell: Tell) -> None:
        """Reach the host and remember its key if this is the first time."""
        tell(Progress(self.name, "reaching it by ssh"))
        self.wait_until_reachable(60)
        tell(Progress(self.name, "ready", done=True))

    def wait_until_reachable(
        self,
        seconds: float,
        console: Callable[[], str] = str,
        *,
        booting: bool = False,
        progress: Callable[[], object] | None = None,
        every: float = 1,
    ) -> None:
        """Wait until ssh answers, for `seconds` at most, or for `seconds` since the value of `progress` last changed.

        lab asks again after `every` seconds.

        Raises BoxError with the text of `console` as its output. A host that refuses the user or the key, or whose
        algorithms lab does not have, is not asked again; a refusal counts only of one that is not `booting`.
        """

        def look() -> Connection | str:
            try:
                return self._open(learn=not self._knows_key())
            except _Refused as error:
                if not booting:
                    raise
                return error.message
            except BoxError as error:
                if isinstance(error.__cause__, FINAL):
                    raise
                return error.message

        self._connection = wait_for(
            f"ssh on {self.name}", look, timeout=seconds, every=every, error=BoxError, detail=console, progress=progress
        )

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
        started, clock = datetime.now(UTC), time.monotonic()
        sinks = {
            "out_stream": Sink("stdout", on_output),
            "err_stream": Sink("stderr", on_output),
        }
        try:
            result = self._connect().run(
                command.guarded(),
                warn=True,
                in_stream=False,
                # a letter a byte: what the box sent comes back byte for byte
                encoding="latin-1",
                timeout=command.timeout + GRACE_SECONDS,
                **sinks,
            )
        except CommandTimedOut as error:
            raise self._no_answer(command) from error
        except ThreadException as error:
            self.close()  # a command that still prints ends with its connection
            raise error.exceptions[0].value from error
        except TRANSPORT_ERRORS as error:
            raise self._lost(command, error) from error
        seconds = time.monotonic() - clock
        if result.exited < 0:
            if stopping.is_set():
                raise Interrupted(f"stopped while {self.name} ran `{command.line()}`")
            raise BoxError(
                f"cannot read how `{command.line()}` ended on {self.name}: the connection broke",
                hint="look at it with `python -m lab status`, then run the command again",
            )
        out, err = result.stdout.encode("latin-1"), result.stderr.encode("latin-1")
        return Result(command, result.exited, out, err, started, seconds)

    def feed(self, command: Command, chunks: Iterable[bytes]) -> Result:
        """Run the command in a channel of its own and send these bytes."""
        try:
            channel = self._connect().transport.open_session()
            return feed_channel(channel, command, chunks, command.timeout + GRACE_SECONDS)
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
        try:
            self._connect().put(str(source), remote=str(part))
        except TRANSPORT_ERRORS as error:
            raise BoxError(f"cannot copy {source.name} to {self.name}: {why(error)}") from error
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
        door = ReverseForward(self.name, self._open, box_port, host_port)
        door.open()
        self._doors.append(door)
        try:
            yield
        finally:
            self._doors.remove(door)
            door.close()

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
            if self._connection is not None:
                return self._connection
        made = self._open()  # outside the lock: it may take a minute, and Ctrl-C closes the connection meanwhile
        with self._lock:
            if self._connection is None:
                self._connection = made
            elif self._connection is not made:
                made.close()
            return self._connection

    def _open(self, learn: bool = False) -> Connection:
        """A new connection; `learn` remembers a host key that is not known yet instead of refusing it."""
        if self.address is None:
            raise BoxError(f"cannot reach {self.name}: it is not up", hint=f"python -m lab up {self.name}")
        kwargs: dict[str, Any] = {"banner_timeout": 60, "auth_timeout": 60}
        if self.address.key:
            kwargs |= {"key_filename": self.address.key, "look_for_keys": False, "allow_agent": False}
        connection = Connection(
            self.address.host,
            user=self.address.user,
            port=self.address.port,
            config=Config(overrides={"load_ssh_configs": False}, lazy=True),
            forward_agent=self._forwards_agent,
            connect_timeout=CONNECT_SECONDS,
            connect_kwargs=kwargs,
        )
        try:
            # Fabric's own default takes any key; this box's key is known after its first `up`
            connection.client.set_missing_host_key_policy(AutoAddPolicy() if learn else SameKey())
            if learn:
                self.known_hosts.parent.mkdir(parents=True, exist_ok=True)
                self.known_hosts.touch(mode=0o600)
            if self.known_hosts.exists():
                connection.client.load_host_keys(str(self.known_hosts))
            connection.open()
            connection.transport.set_keepalive(15)
        except TRANSPORT_ERRORS as error:
            refused = at_log_in(connection, error)
            connection.client.close()  # Fabric's own close() leaves a connection open whose login failed
            if learn and not self.known_hosts.stat().st_size:
                self.known_hosts.unlink()
            raise (self._refusal(error) if refused else self._unreachable(error)) from error
        return connection

    def _unreachable(self, error: BaseException) -> BoxError:
        return unreachable(self.name, self.known_hosts, error)

    def _refusal(self, error: BaseException) -> BoxError:
        """The error for a host that answers and refuses the login."""
        assert self.address
        return _Refused(
            f"cannot log in to {self.name} as {self.address.user}: {why(error)}", hint=self._entry(self.address)
        )

    def _entry(self, address: Address) -> str:
        """The hint: where user and key are configured, and the command that tests them."""
        key = ["-i", address.key] if address.key else []
        command = shlex.join(["ssh", *key, "-p", str(address.port), f"{address.user}@{address.host}"])
        tried = (
            f"`key: {address.key}`" if address.key else "that it names no `key` (ssh-agent's and ~/.ssh's are tried)"
        )
        place = f"boxes/{self.name}.yaml"
        return f"look at `user: {address.user}` and {tried} in {place}; `{command}` must work without a question"


class _Refused(BoxError):
    """The host answers and refuses this user with this key."""
