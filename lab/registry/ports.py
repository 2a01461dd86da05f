"""The port of lab's own registry: the same on this machine and on every box, because references name it."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from lab.boxes.base import Box
from lab.errors import BoxError, HostError

PORT = 5000
PORTS = range(PORT, PORT + 20)


def choose_port(asked: int | None, boxes: Sequence[Box]) -> int:
    """The port asked for if it is free here, else the first one from 5000 on that is free here and on the boxes.

    A box holds the port of an earlier run whose connection broke until its sshd notices that. HostError if the port
    asked for, or every other one, is taken.
    """
    refused: OSError | None = None
    for port in [asked] if asked else PORTS:
        if not asked and any(_is_taken(box, port) for box in boxes):
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                refused = error
                continue
        return port
    if asked:
        denied = isinstance(refused, PermissionError)
        why = "permission denied (ports below 1024 are root's)" if denied else "something listens there"
        raise HostError(
            f"cannot serve the registry on port {asked}: {why}",
            hint="leave --registry-port out; lab then takes a free port",
        ) from refused
    raise HostError(f"cannot serve the registry: ports {PORTS.start} to {PORTS.stop - 1} are all taken") from refused


def _is_taken(box: Box, port: int) -> bool:
    """True if something on the box listens on that port of its loopback; False if the box cannot be asked."""
    try:
        return box.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"], timeout=60).ok
    except BoxError:
        return False
