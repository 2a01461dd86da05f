"""The address of the web server of a run: both sides use the same, because the address of an ADD is in its key."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.errors import BusyError, HostError
from lab.files import hold

HOST = "localhost"
PORTS = range(5080, 5100)
USUAL = f"{HOST}:{PORTS.start}"  # where no run has reserved one


@contextmanager
def reserved(state: Path) -> Iterator[str]:
    """An address whose port nothing on this machine listens on, and that no other run uses while the context is open.

    `state` is the folder of the checkout's state. Raises HostError if all ports are taken.
    """
    for port in PORTS:
        if _is_taken(port):
            continue
        with suppress(BusyError), hold(state, [f"web-{port}"], "repro", wait=False):
            yield f"{HOST}:{port}"
            return
    raise HostError(f"cannot serve files: ports {PORTS.start} to {PORTS.stop - 1} are all taken")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
