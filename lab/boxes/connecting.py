"""Open an ssh connection through Fabric, with the host keys that a box may have, and limits on a host that is dead."""

from __future__ import annotations

import socket
from errno import ECONNREFUSED, EHOSTUNREACH
from pathlib import Path
from typing import Any, NoReturn

from fabric import Config, Connection
from fabric.runners import Remote
from paramiko import SSHException
from paramiko.ssh_exception import NoValidConnectionsError

from lab.boxes.address import Address
from lab.boxes.base import Forgetting
from lab.boxes.feeding import Sink
from lab.boxes.hostkeys import FINAL, SameKey, UnknownHost, at_log_in, load_users, store_key
from lab.errors import BoxError

CONNECT_SECONDS = 15  # for TCP
ANSWER_SECONDS = 60  # for each answer of the ssh server: an emulated machine under load computes keys for half a minute
CHANNEL_SECONDS = 60  # paramiko would wait an hour for a host that no longer answers
DEAD_SECONDS = 120  # after this time without an acknowledgement the kernel gives the connection up
BEAT_SECONDS = 15  # between two packets that a host must acknowledge
LOOK_SECONDS = 0.25  # between two looks at whether a thread that reads a command's output has died
BROKEN = (SSHException, EOFError)  # a connection that ended
TRANSPORT_ERRORS = (*BROKEN, OSError, ValueError)  # ValueError: a key file that is no key


class RefusedError(BoxError):
    """The host answers and refuses this user with this key."""


def may_pass(error: Exception) -> bool:
    """True for a connection that may succeed a moment later: nothing has answered yet, or it broke."""
    final = (*FINAL, UnknownHost, type(None))
    return not isinstance(error, RefusedError) and not isinstance(error.__cause__, final)


class LogInRefused(Exception):
    """The host answers, its key is right, and it refuses this user with this key; `why` is the transport's error."""

    def __init__(self, why: BaseException) -> None:
        super().__init__(str(why))
        self.why = why


class PromptRemote(Remote):  # type: ignore[misc]  # Fabric has no types
    """Fabric's runner of one command, without a look every 10 ms, all output anew at each piece, a wait at Ctrl-C."""

    read_chunk_size = 1 << 16

    def wait(self) -> None:
        """Return when the command has ended, or a thread that reads its output."""
        while not (self.process_is_finished or self.has_dead_threads):
            self.channel.status_event.wait(LOOK_SECONDS)

    def respond(self, buffer_: list[str]) -> None:
        """Answer nothing: lab gives no watchers, and for those the whole output would be joined after each piece."""

    def handle_stdout(self, buffer_: list[str], hide: bool, output: Sink) -> None:
        """Read standard output; a sink that keeps nothing gets it alone."""
        super().handle_stdout(buffer_ if output.keeps else Forgetting(), hide, output)

    def handle_stderr(self, buffer_: list[str], hide: bool, output: Sink) -> None:
        """Read standard error; a sink that keeps nothing gets it alone."""
        super().handle_stderr(buffer_ if output.keeps else Forgetting(), hide, output)

    def send_interrupt(self, interrupt: BaseException) -> NoReturn:
        """Close the channel and raise: the threads that read would wait for the end of the command, minutes maybe."""
        self.channel.close()
        raise interrupt


def connect(
    address: Address, known_hosts: Path, users_hosts: Path | None = None, *, learn: bool, forward_agent: bool
) -> Connection:
    """A new connection; `learn` remembers a host key that is not known yet instead of refusing it.

    While it learns, a key in the user's own file `users_hosts` must be the host's.

    Raises one of TRANSPORT_ERRORS, or LogInRefused.
    """
    # Paramiko's own connection would give the exchange of keys the time that it gives to TCP.
    # So a connection cannot be opened a second time.
    limits = dict.fromkeys(("banner_timeout", "auth_timeout"), ANSWER_SECONDS)
    kwargs: dict[str, Any] = {"sock": _socket(address), **limits}
    if address.key:
        kwargs |= {"key_filename": address.key, "look_for_keys": False, "allow_agent": False}
    connection = Connection(
        address.host,
        user=address.user,
        port=address.port,
        config=Config(overrides={"load_ssh_configs": False, "runners": {"remote": PromptRemote}}, lazy=True),
        forward_agent=forward_agent,
        connect_timeout=ANSWER_SECONDS,
        connect_kwargs=kwargs,
    )
    try:
        # Fabric's own default takes any key; this box's key is known after its first `up`
        connection.client.set_missing_host_key_policy(SameKey())
        if learn:
            known_hosts.parent.mkdir(parents=True, exist_ok=True)
            known_hosts.touch(mode=0o600)
            load_users(connection.client, users_hosts, address)
        if known_hosts.exists():
            connection.client.load_host_keys(str(known_hosts))
        connection.open()
        if learn:
            store_key(connection, known_hosts)
        _limit(connection.transport)
    except TRANSPORT_ERRORS as error:
        refused = at_log_in(connection, error)
        connection.client.close()  # Fabric's own close() leaves a connection open whose login failed
        if learn and not known_hosts.stat().st_size:
            known_hosts.unlink()
        if refused:
            raise LogInRefused(error) from error
        raise
    return connection


def _socket(address: Address) -> socket.socket:
    try:
        found = socket.create_connection((address.host, address.port), CONNECT_SECONDS)
    except OSError as error:
        if error.errno in (ECONNREFUSED, EHOSTUNREACH):
            raise NoValidConnectionsError({(address.host, address.port): error}) from error
        raise
    # A command is several small packets. Without this, the kernel keeps each back until the host has acknowledged the
    # one before, which takes the host up to 40 ms.
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found


def _limit(transport: Any) -> None:
    """Let a connection end whose host is frozen, cut off or gone: no packet would ever report that."""
    transport.channel_timeout = CHANNEL_SECONDS
    transport.set_keepalive(BEAT_SECONDS)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_SECONDS * 1000)
