"""A reverse forward can be opened again, and a port that is taken on the box is named."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from fabric import Connection
from paramiko import SSHException

from lab.boxes.forwards import ReverseForward, local_forward
from lab.errors import BoxError


class Ending:
    """A transport that writes down what is asked of it and how it ends."""

    def __init__(self, heard: list[str], refused: tuple[str, ...]) -> None:
        self.heard = heard
        self.refused = refused

    def request_port_forward(self, address: str, port: int, handler: object) -> None:
        if address in self.refused:
            raise SSHException("TCP forwarding request denied")
        self.heard.append(f"open {address} {port}")

    def cancel_port_forward(self, address: str, port: int) -> None:
        self.heard.append(f"cancel {address} {port}")

    def close(self) -> None:
        self.heard.append("end")


class Standing:
    """A connection that writes down what is asked of it."""

    has_ipv6 = False

    def __init__(self, heard: list[str], *, taken: bool = False) -> None:
        self.heard = heard
        self.taken = taken

    @contextmanager
    def forward_local(self, local_port: int, **ports: Any) -> Iterator[None]:
        self.heard.append(f"open {local_port} to {ports['remote_port']}")
        yield

    @property
    def transport(self) -> Ending:
        refused = ("::1", "127.0.0.1") if self.taken else () if self.has_ipv6 else ("::1",)
        return Ending(self.heard, refused)

    def close(self) -> None:
        self.heard.append("close")


def connection(heard: list[str], *, taken: bool = False) -> Connection:
    return cast(Connection, Standing(heard, taken=taken))


def door_of(heard: list[str], port: int = 5001, *, sockets: str = "", taken: bool = False) -> ReverseForward:
    """A forward from port 5000 of a box on which these sockets listen."""
    return ReverseForward("box", lambda: connection(heard, taken=taken), lambda script: f"1000\n{sockets}", 5000, port)


def test_a_forward_that_was_closed_opens_again_by_a_new_connection() -> None:
    heard: list[str] = []
    door = door_of(heard)
    door.open()
    door.close()
    door.open()
    # the box confirms, then the connection ends, then the threads of the forward need not be waited for
    ended = ["cancel 127.0.0.1 5000", "end", "cancel 127.0.0.1 5000", "close"]
    assert heard == ["open 127.0.0.1 5000", *ended, "open 127.0.0.1 5000"]
    door.close()
    door.close()
    assert heard[6:] == ended


def test_a_connection_on_the_box_is_led_to_this_machine_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: list[Any] = []
    monkeypatch.setattr(Ending, "request_port_forward", lambda self, address, port, handler: handlers.append(handler))
    with socket.create_server(("127.0.0.1", 0)) as registry:
        door = door_of([], registry.getsockname()[1])
        door.open()
        near, far = socket.socketpair()  # for the forward, a channel is what can be read and written
        near.settimeout(10)
        handlers[-1](far, ("127.0.0.1", 1), ("127.0.0.1", 5000))
        asked, _ = registry.accept()
        near.sendall(b"asked" * 100_000)
        assert received(asked, 500_000) == b"asked" * 100_000
        asked.sendall(b"said")
        assert received(near, 4) == b"said"
        asked.close()
        assert near.recv(1) == b""  # the registry's end is the client's
        door.close()
    gone, channel = socket.socketpair()
    handlers[-1](channel, ("127.0.0.1", 1), ("127.0.0.1", 5000))
    assert gone.recv(1) == b""  # nobody listens here any more
    gone.close()
    near.close()


def received(sender: socket.socket, size: int) -> bytes:
    """So many bytes of a socket."""
    found = b""
    while len(found) < size:
        found += sender.recv(size - len(found))
    return found


def test_a_port_that_is_taken_is_named_and_no_connection_is_left() -> None:
    heard: list[str] = []
    with pytest.raises(BoxError, match="cannot show the registry to box as localhost:5000: TCP forwarding") as caught:
        door_of(heard, taken=True).open()
    assert caught.value.hint and "--registry-port" in caught.value.hint
    assert heard[-1] == "close"


def test_a_box_that_does_not_say_who_listens_leaves_no_connection() -> None:
    def gone(script: str) -> str:
        raise BoxError("cannot reach box")

    heard: list[str] = []
    with pytest.raises(BoxError, match="cannot reach box"):
        ReverseForward("box", lambda: connection(heard), gone, 5000, 5001).open()
    assert heard[-1] == "close"


def test_a_local_forward_ends_with_its_connection() -> None:
    heard: list[str] = []
    with local_forward(lambda: connection(heard), 8000, 80):
        assert heard == ["open 8000 to 80"]
    assert heard[1:] == ["close"]


@pytest.mark.parametrize("error", [EOFError(), SSHException("not connected"), OSError("broken pipe")])
def test_a_forward_of_a_box_that_is_gone_closes(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def gone(self: Ending, address: str, port: int) -> None:
        raise error

    monkeypatch.setattr(Ending, "cancel_port_forward", gone)  # patched: paramiko raises it only at one moment
    heard: list[str] = []
    door = door_of(heard)
    door.open()
    door.close()
    assert heard == ["open 127.0.0.1 5000", "end", "close"]


LISTENS = (
    "   7: {address}:1388 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 {user} 0 1\n"
)
LOOPBACK = "00000000000000000000000001000000"


@pytest.mark.parametrize("user", [0, 1000])
def test_both_loopback_addresses_are_the_registrys(monkeypatch: pytest.MonkeyPatch, user: int) -> None:
    monkeypatch.setattr(Standing, "has_ipv6", True)
    heard: list[str] = []
    door = door_of(heard, sockets=LISTENS.format(address=LOOPBACK, user=user))
    door.open()
    assert heard == ["open ::1 5000", "open 127.0.0.1 5000"]
    door.close()
    assert heard[2:] == ["cancel 127.0.0.1 5000", "end", "cancel ::1 5000", "cancel 127.0.0.1 5000", "close"]


@pytest.mark.parametrize("address", [LOOPBACK, "0" * 32, "0100007F"])
def test_another_users_program_on_that_port_of_the_box_is_named(address: str) -> None:
    heard: list[str] = []
    door = door_of(heard, sockets=LISTENS.format(address=address, user=1001))
    with pytest.raises(BoxError, match="user 1001 of box listens on that port too"):
        door.open()
    assert heard[-1] == "close"
