"""Forwards of a box that is reached by ssh; a reverse forward can be opened again after the box was set back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from fabric import Connection
from fabric.tunnels import Tunnel
from paramiko import Channel, SSHException

from lab.boxes.connecting import TRANSPORT_ERRORS
from lab.errors import BoxError

CLOSE_SECONDS = 5.0
CHUNK = 1 << 16  # bytes that a forward takes at once
# The number of this user, and the sockets of all: proc(5) has the address, the state (0A: listens) and the user.
LISTENERS = "id -u; cat /proc/net/tcp /proc/net/tcp6 2>/dev/null"
USER = 7


class ReverseForward:
    """localhost:box_port of the box leads to localhost:host_port of this machine while the forward is open.

    It has a connection of its own, made by `connect`. dockerd keeps its registry connection open for 90 s, and a
    channel that shares a connection with commands would hold their end back until then. `ask` gives what a script of sh
    prints on the box.
    """

    def __init__(
        self, box: str, connect: Callable[[], Connection], ask: Callable[[str], str], box_port: int, host_port: int
    ) -> None:
        self.box = box
        self.connect = connect
        self.ask = ask
        self.box_port = box_port
        self.host_port = host_port
        self._stack = ExitStack()
        self._connection: Connection | None = None

    def open(self) -> None:
        """Open it; BoxError if something on the box listens on that port."""
        connection = self._connection = self.connect()
        self._stack.callback(connection.close)
        try:
            self._listen(connection)
        except SSHException as error:
            self.close()
            raise BoxError(
                f"cannot show the registry to {self.box} as localhost:{self.box_port}: {error}",
                hint=f"something on {self.box} listens there; a new run can take another port with --registry-port",
            ) from error
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def _listen(self, connection: Connection) -> None:
        """Listen on both loopback addresses of the box if it has both; SSHException if it refuses that of IPv4.

        A client that looks for localhost tries ::1 first on some boxes. The older address comes last, because paramiko
        gives the channels of all forwards to what the last one has named.
        """
        with ExitStack() as newer:
            with suppress(SSHException):  # a box without IPv6; who else listens there is asked afterwards
                newer.enter_context(self._forward(connection, "::1"))
            try:
                self._stack.enter_context(self._forward(connection, "127.0.0.1"))
            except SSHException:
                newer.close()  # an old sshd listens on both addresses for either
                self._stack.enter_context(self._forward(connection, "127.0.0.1"))
            self._stack.push(newer.pop_all())

    @contextmanager
    def _forward(self, connection: Connection, address: str) -> Iterator[None]:
        """Listen on an address of the box, and lead each connection to this machine; SSHException if it refuses.

        Fabric's own forward hands on 1 KiB at a time, which makes a push eight times as slow.
        """
        tunnels: list[Tunnel] = []

        def accept(channel: Channel, *_: object) -> None:
            try:
                here = socket.create_connection(("127.0.0.1", self.host_port))
            except OSError:
                channel.close()  # the registry has ended: the client sees its connection end
                return
            here.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tunnel = Tunnel(channel, here, threading.Event())
            tunnel.socket_chunk_size = tunnel.channel_chunk_size = CHUNK
            tunnel.start()
            tunnels.append(tunnel)

        transport = connection.transport
        transport.request_port_forward(address, self.box_port, accept)
        try:
            yield
        finally:
            for tunnel in tunnels:
                tunnel.finished.set()
            for tunnel in tunnels:
                tunnel.join()
            with suppress(*TRANSPORT_ERRORS):  # the connection has ended, and the forward with it
                transport.cancel_port_forward(address, self.box_port)

    def _check(self) -> None:
        """Raise BoxError if another user of the box listens on that port of one of its loopback addresses."""
        seen = self.ask(LISTENERS).split("\n")
        port, mine = f"{self.box_port:04X}", {seen[0].strip(), "0"}
        for line in seen[1:]:
            fields = line.split()
            if len(fields) > USER and fields[1].endswith(f":{port}") and fields[3] == "0A" and fields[USER] not in mine:
                raise BoxError(
                    f"cannot show the registry to {self.box} as localhost:{self.box_port}: user {fields[USER]} of "
                    f"{self.box} listens on that port too, where a client may look for localhost",
                    hint="a new run can take another port with --registry-port",
                )

    def close(self) -> None:
        """Close it; harmless if it is closed.

        paramiko waits without a limit for the box to confirm. A box that does not answer for CLOSE_SECONDS loses the
        connection, which ends that wait. Once the box has confirmed, the connection ends before its forwards: the
        threads for what dockerd leaves open look only once a second whether they are to end.
        """
        stack, self._stack = self._stack, ExitStack()
        connection, self._connection = self._connection, None
        if connection is None:
            stack.close()
            return
        late = threading.Timer(CLOSE_SECONDS, lambda: connection.transport.close())
        late.start()
        try:
            with suppress(*TRANSPORT_ERRORS):  # the box is gone, and the forward with it
                connection.transport.cancel_port_forward("127.0.0.1", self.box_port)
            connection.transport.close()
            stack.close()
        finally:
            late.cancel()


@contextmanager
def local_forward(connect: Callable[[], Connection], host_port: int, box_port: int) -> Iterator[None]:
    """While the context is open, localhost:host_port of this machine leads to localhost:box_port of the box."""
    connection = connect()
    try:
        with connection.forward_local(host_port, remote_port=box_port, remote_host="127.0.0.1"):
            yield
    finally:
        connection.close()
