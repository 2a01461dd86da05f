"""Sockets that listen, and this machine's addresses."""

from __future__ import annotations

import pytest

from lab.errors import HostError
from lab.machines.listening import bracketed, is_every_address, open_socket


def test_a_port_in_use_is_an_error_that_names_it() -> None:
    with open_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(HostError, match=f"cannot listen at 127.0.0.1 port {port}: Address already in use") as info:
            open_socket("127.0.0.1", port)
    assert "--port 0" in str(info.value.hint)


@pytest.mark.parametrize("address", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_an_error(address: str) -> None:
    with pytest.raises(HostError, match=f"cannot listen at {address}"):
        open_socket(address, 0)


@pytest.mark.parametrize(
    ("listen", "every"), [("0.0.0.0", True), ("::", True), ("192.0.2.7", False), ("teacher.lan", False)]
)
def test_two_addresses_stand_for_all(listen: str, every: bool) -> None:
    assert is_every_address(listen) is every


def test_an_address_of_ipv6_has_brackets() -> None:
    assert [bracketed(word) for word in ("::1", "127.0.0.1", "teacher.lan")] == ["[::1]", "127.0.0.1", "teacher.lan"]
