"""The port of lab's registry: one that is passed over is not taken again, and a lost race is recognised."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress

import pytest

from lab.errors import HostError, RegistryError
from lab.registry.ports import PORTS, TakenError, free_port, kind_of


def test_ports_that_are_passed_over_are_not_chosen() -> None:
    first = free_port(None)
    assert free_port(None, [first]) != first
    with pytest.raises(HostError, match="are all taken"):
        free_port(None, PORTS)


def test_a_port_that_was_asked_for_is_the_only_one() -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        with suppress(OSError):
            listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(HostError, match=f"port {port}: something listens there"):
            free_port(port)


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("fatal: listen tcp 127.0.0.1:5000: bind: address already in use", TakenError),
        ("Bind for 127.0.0.1:5000 failed: port is already allocated.", TakenError),
        ("configuration error: no such key", RegistryError),
    ],
)
def test_a_lost_race_is_recognised_by_what_the_program_prints(output: str, kind: type[RegistryError]) -> None:
    assert kind_of(output) is kind
