"""The loopback port of lab's registry: the one asked for, else the first free one."""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial

import psutil

from lab.boxes.base import Box
from lab.errors import BoxError, HostError, RegistryError
from lab.workers import side_by_side

PORT = 5000
PORTS = range(PORT, PORT + 20)
IN_USE = "address already in use"  # the system's text, as Go prints it
ALLOCATED = "port is already allocated"  # Docker's text


class TakenError(RegistryError):
    """Another program got the port between the look at it and the start of the registry."""


def kind_of(output: str) -> type[RegistryError]:
    """The kind of error for a registry that did not start and printed this."""
    return TakenError if IN_USE in output or ALLOCATED in output else RegistryError


def listens(pid: int, port: int) -> bool:
    """True if this program listens on the port, or if that cannot be known."""
    try:
        found = psutil.Process(pid).net_connections(kind="tcp")
    except psutil.Error as error:
        return isinstance(error, psutil.AccessDenied)
    return any(item.status == psutil.CONN_LISTEN and item.laddr.port == port for item in found)


def free_port(asked: int | None, boxes: Sequence[Box] = (), passed_over: Collection[int] = ()) -> int:
    """The port asked for if it is free here, else the first one from 5000 on that is free here and on the boxes.

    A box holds the port of an earlier run whose connection broke until its sshd notices that. Ports in `passed_over`
    are not taken. HostError if the port asked for, or every other one, is taken.
    """
    refused: OSError | None = None
    for port in [asked] if asked else [port for port in PORTS if port not in passed_over]:
        if not asked and is_taken_on(boxes, port):
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
            hint="end the program that listens there; only a new run can take another port: --registry-port names one, "
            "and without that option lab takes a free one",
        ) from refused
    raise HostError(f"cannot serve the registry: ports {PORTS.start} to {PORTS.stop - 1} are all taken") from refused


@contextmanager
def held_on_ipv6(port: int) -> Iterator[None]:
    """Keep other programs from the same port of the IPv6 loopback for the time of the context.

    A client that looks for localhost tries ::1 first where the machine's hosts file has it, and would send the password
    to whoever listens there. lab does not listen there either, so clients go on to 127.0.0.1. TakenError if another
    program has the port.
    """
    with socket.socket(socket.AF_INET6) if socket.has_ipv6 else nullcontext() as holder:
        try:
            if holder:
                holder.bind(("::1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise TakenError(f"cannot serve the registry on port {port}: something listens there") from error
        yield


def is_taken_on(boxes: Sequence[Box], port: int) -> bool:
    """True if something on one of the boxes listens on that port; all are asked at once."""
    taken, _ = side_by_side({box.name: partial(_is_taken, box, port) for box in boxes})
    return any(taken.values())


def _is_taken(box: Box, port: int) -> bool:
    """True if something on the box listens on that port of its loopback; False if the box cannot be asked."""
    try:
        return box.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"], timeout=60).ok
    except BoxError:
        return False
