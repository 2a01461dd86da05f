"""The address of a run's web server: no two runs have the same, and a port where somebody listens is passed over."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.errors import HostError
from lab.run import web_address


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_two_runs_have_two_addresses_and_one_that_ended_is_free_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_address, "PORTS", sorted({free_port(), free_port(), free_port()}))  # the usual may be taken
    with web_address.reserved(tmp_path) as first:
        with web_address.reserved(tmp_path) as second:
            assert first != second
        with web_address.reserved(tmp_path) as third:
            assert third == second


def test_a_port_where_somebody_listens_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = listener.getsockname()[1]
        monkeypatch.setattr(web_address, "PORTS", range(port, port + 1))
        with pytest.raises(HostError, match="are all taken"), web_address.reserved(tmp_path):
            pass
