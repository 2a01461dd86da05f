"""The way from a worker to the registry of the client: a connection of Dask's for each connection to the registry.

The registry stays on the loopback of the client. A worker offers it on its own loopback at the same port, so that an
image has one name everywhere. With TLS, Dask proves both ends to each other and encrypts what passes.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from distributed.comm.core import Comm, Listener, connect, listen
from distributed.protocol.serialize import Serialized, ToPickle
from distributed.security import Security

CHUNK = 1 << 18  # bytes
LOOPBACK = "127.0.0.1"


async def offer(address: str, port: int, security: Security) -> Listener:
    """Listen at an address of Dask, and lead each connection to a port of this machine's loopback.

    OSError if the address cannot be used. What comes is never unpickled.
    """

    async def lead(comm: Comm) -> None:
        try:
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            comm.abort()
            return
        await _join(comm, reader, writer)

    listener: Listener = listen(address, lead, deserialize=False, **security.get_listen_args("client"))
    await listener.start()
    return listener


async def open_door(address: str, port: int, security: Security) -> asyncio.Server:
    """Listen on a port of this machine's loopback, and lead each connection to the address of an `offer`."""

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            comm = await connect(address, deserialize=False, **security.get_connection_args("client"))
        except OSError:
            writer.close()
            return
        await _join(comm, reader, writer)

    return await asyncio.start_server(lead, LOOPBACK, port)


async def _join(comm: Comm, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on in both directions until both ends have ended; an empty message is the end of one."""

    async def send() -> None:
        while chunk := await reader.read(CHUNK):
            await comm.write({"bytes": chunk})
        await comm.write({"bytes": b""})

    async def receive() -> None:
        while chunk := _bytes_of(await comm.read()):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    both = [asyncio.ensure_future(send()), asyncio.ensure_future(receive())]
    try:
        await asyncio.gather(*both)
    except (OSError, EOFError, ValueError):
        pass  # one end has gone, so the other is closed
    finally:
        for one in both:
            one.cancel()
        writer.close()
        with suppress(OSError):
            await comm.close()


def _bytes_of(message: Any) -> bytes:
    """The bytes of a message; ValueError for a message that is none of this module."""
    found = message.get("bytes") if isinstance(message, dict) else None
    if isinstance(found, Serialized | ToPickle) or not isinstance(found, bytes | bytearray | memoryview):
        raise ValueError("a message without bytes")
    return bytes(found)
