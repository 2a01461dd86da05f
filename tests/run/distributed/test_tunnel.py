"""The way to the registry: bytes pass in both directions, a closed end closes the other, and nothing is unpickled."""

from __future__ import annotations

import asyncio
import pickle

from distributed.comm.core import connect
from distributed.protocol.serialize import to_serialize
from distributed.security import Security

from lab.run.distributed.tunnel import LOOPBACK, offer, open_door

OPENED: list[str] = []


class Trap:
    """An object that takes note when somebody unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return OPENED.append, ("unpickled",)


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with all that came, in capitals, once the other side has ended."""
    writer.write((await reader.read()).upper())
    await writer.drain()
    writer.close()


async def through(text: bytes) -> bytes:
    target = await asyncio.start_server(shout, LOOPBACK, 0)
    listener = await offer("tcp://127.0.0.1:0", port_of(target), Security())
    door = await open_door(listener.contact_address, 0, Security())
    try:
        reader, writer = await asyncio.open_connection(LOOPBACK, port_of(door))
        writer.write(text)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer
    finally:
        for server in (door, target):
            server.close()
        listener.stop()


def test_bytes_pass_in_both_directions_to_the_end() -> None:
    text = b"push and pull " * 100_000
    assert asyncio.run(through(text)) == text.upper()


async def behind_nothing() -> bytes:
    target = await asyncio.start_server(shout, LOOPBACK, 0)
    port = port_of(target)
    target.close()
    await target.wait_closed()
    listener = await offer("tcp://127.0.0.1:0", port, Security())
    other = await open_door(listener.contact_address, 0, Security())
    try:
        reader, writer = await asyncio.open_connection(LOOPBACK, port_of(other))
        answer = await reader.read()
        writer.close()
        return answer
    finally:
        other.close()
        listener.stop()


def test_a_registry_that_has_gone_closes_the_connection() -> None:
    assert asyncio.run(behind_nothing()) == b""


async def with_trap() -> None:
    target = await asyncio.start_server(shout, LOOPBACK, 0)
    listener = await offer("tcp://127.0.0.1:0", port_of(target), Security())
    try:
        comm = await connect(listener.contact_address)
        await comm.write({"bytes": to_serialize(Trap())})
        await comm.close()
        await asyncio.sleep(0.05)
    finally:
        target.close()
        listener.stop()


def test_what_a_stranger_sends_is_not_unpickled() -> None:
    OPENED.clear()
    asyncio.run(with_trap())
    assert OPENED == []
    pickle.loads(pickle.dumps(Trap()))
    assert OPENED == ["unpickled"]  # the trap works
