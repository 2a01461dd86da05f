"""`lab worker` before it serves; tests/test_distributed_vm.py has one that serves."""

from __future__ import annotations

import pytest

from lab.cli import worker as module
from tests.cli.program import Place


@pytest.mark.parametrize("address", ["local", "10.0.0.1:8786", "http://10.0.0.1:8786"])
def test_another_address_is_refused(place: Place, address: str) -> None:
    done = place.lab("worker", "--scheduler", address)
    assert done.returncode == 2
    assert "expected tcp://HOST:PORT or tls://HOST:PORT" in done.stderr


def test_a_scheduler_and_known_boxes_are_needed(place: Place) -> None:
    assert place.lab("worker").returncode == 2
    done = place.lab("worker", "--scheduler", "tcp://127.0.0.1:1", "--lineup", "gist", "--box", "centos8")
    assert done.returncode == 2
    assert 'cannot find the box "centos8" of lineup gist' in done.stderr


def test_the_help_names_what_a_scheduler_is_trusted_with() -> None:
    text = " ".join((module.worker.help or "").split())
    assert "Whoever reaches the scheduler can run programs as the user who called this" in text
