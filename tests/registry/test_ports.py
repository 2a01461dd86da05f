"""The port of lab's registry is free on this machine and on every box, and a lost race for it is recognised."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Box, Command, OnOutput, Result
from lab.boxes.local import LocalBox
from lab.errors import BoxError, HostError, RegistryError
from lab.registry.ports import PORTS, TakenError, free_port, held_on_ipv6, kind_of


@pytest.fixture
def listening() -> Iterator[int]:
    """A port at which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


class Elsewhere(LocalBox):
    """A box on which something listens on these ports: it answers for each as this machine does for `listening`."""

    def __init__(self, taken: set[int], listening: int) -> None:
        super().__init__("elsewhere")
        self.taken, self.listening = taken, listening

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        *words, script = command.argv
        port = int(script.rpartition("/")[2])
        instead = self.listening if port in self.taken else 1
        script = script.replace(f"/{port}", f"/{instead}")
        return super().execute(Command((*words, script), command.env, command.cwd, command.timeout), on_output)


class Gone(Box):
    """A box that cannot be reached."""

    name = "gone"

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        raise BoxError("cannot reach gone")

    def put(self, source: Path, target: PurePosixPath) -> None:
        raise BoxError("cannot reach gone")


def test_a_port_that_a_box_has_taken_is_passed_over(listening: int) -> None:
    usual = free_port(None)
    assert usual in PORTS
    assert free_port(None, [Elsewhere(set(), listening)]) == usual
    assert free_port(None, [Elsewhere({usual}, listening)]) > usual
    with pytest.raises(HostError, match="ports 5000 to 5019 are all taken"):
        free_port(None, [Elsewhere(set(PORTS), listening)])


def test_a_box_that_cannot_be_asked_is_passed_over() -> None:
    assert free_port(None, [Gone()]) == free_port(None)


def test_a_port_that_was_asked_for_is_used_or_refused(listening: int) -> None:
    with pytest.raises(HostError, match=f"cannot serve the registry on port {listening}: something listens there"):
        free_port(listening)


def test_ports_that_are_passed_over_are_not_chosen() -> None:
    first = free_port(None)
    assert free_port(None, (), [first]) != first
    with pytest.raises(HostError, match="are all taken"):
        free_port(None, (), PORTS)


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


def test_the_port_of_the_ipv6_loopback_is_kept_while_the_registry_serves() -> None:
    port = free_port(None)
    with held_on_ipv6(port), socket.socket(socket.AF_INET6) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(("::1", port))
        with socket.socket(socket.AF_INET6) as client, pytest.raises(ConnectionRefusedError):
            client.connect(("::1", port))  # a client goes on to 127.0.0.1 at once
    with (
        socket.create_server(("::1", port), family=socket.AF_INET6),
        pytest.raises(TakenError, match=f"port {port}: something listens there"),
        held_on_ipv6(port),
    ):
        pass
