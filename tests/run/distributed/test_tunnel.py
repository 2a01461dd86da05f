"""The way to the registry: bytes pass in both directions, a closed end closes the other, and nothing is unpickled."""

from __future__ import annotations

import asyncio
import pickle
from contextlib import suppress

import pytest
from distributed.comm.core import CommClosedError, connect
from distributed.protocol.serialize import to_serialize
from distributed.security import Security

from lab.run.distributed.tunnel import LOOPBACK, offer, open_door

OPENED: list[str] = []
OPEN, SAFE = Security(), Security.temporary()


class Trap:
    """An object that takes note when somebody unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return spring, ("unpickled",)


def spring(text: str) -> None:
    OPENED.append(text)


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with all that came, in capitals, once the other side has ended."""
    writer.write((await reader.read()).upper())
    await writer.drain()
    writer.close()


async def through(text: bytes, *, gone: bool = False, scheme: str = "tcp", own: Security = OPEN) -> bytes:
    """Send a text over the whole way, behind which the registry may be gone, and return the answer.

    `own` has the certificates of the worker; the client has those of SAFE where the scheme is TLS.
    """
    target = await asyncio.start_server(shout, LOOPBACK, 0)
    port = port_of(target)
    if gone:
        target.close()
        await target.wait_closed()
    offered = await offer(f"{scheme}://127.0.0.1:0", port, SAFE if scheme == "tls" else OPEN)
    door = await open_door(offered.address, 0, own)
    try:
        host, _, number = door.address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(number))
        writer.write(text)
        writer.write_eof()
        with suppress(ConnectionResetError):
            return await reader.read()
        return b""
    finally:
        writer.close()
        await door.close()
        await offered.close()
        target.close()


def test_bytes_pass_in_both_directions_to_the_end() -> None:
    text = b"push and pull " * 100_000
    assert asyncio.run(through(text)) == text.upper()


def test_with_tls_bytes_pass_between_ends_that_have_certificates() -> None:
    assert asyncio.run(through(b"push", scheme="tls", own=SAFE)) == b"PUSH"


def test_with_tls_a_worker_with_other_certificates_gets_nothing() -> None:
    assert asyncio.run(through(b"push", scheme="tls", own=Security.temporary())) == b""


def test_a_registry_that_has_gone_closes_the_connection() -> None:
    assert asyncio.run(through(b"push", gone=True)) == b""


async def closed_in_between() -> bytes:
    """What comes of a connection whose way is closed while it is open."""
    silent = await asyncio.start_server(shout, LOOPBACK, 0)  # it answers only at the end
    offered = await offer("tcp://127.0.0.1:0", port_of(silent), Security())
    door = await open_door(offered.address, 0, Security())
    host, _, number = door.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(number))
    writer.write(b"push")
    await writer.drain()
    while not door._leads:
        await asyncio.sleep(0)
    await door.close()
    answer = await reader.read()
    writer.close()
    await offered.close()
    silent.close()
    return answer


def test_a_way_is_closed_with_its_connections() -> None:
    assert asyncio.run(closed_in_between()) == b""


async def with_trap() -> None:
    target = await asyncio.start_server(shout, LOOPBACK, 0)
    offered = await offer("tcp://127.0.0.1:0", port_of(target), Security())
    try:
        comm = await connect(offered.address)
        await comm.write({"bytes": to_serialize(Trap())})
        with pytest.raises(CommClosedError):  # the other end closes what sends no bytes
            await comm.read()
    finally:
        target.close()
        await offered.close()


def test_what_a_stranger_sends_is_not_unpickled() -> None:
    OPENED.clear()
    asyncio.run(with_trap())
    assert OPENED == []
    pickle.loads(pickle.dumps(Trap()))
    assert OPENED == ["unpickled"]  # the trap works
