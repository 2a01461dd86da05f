"""The way from a worker to the registry of the client: a connection of Dask's for each connection to the registry.

The registry stays on the loopback of the client. A worker offers it on its own loopback at the same port, so that an
image has one name everywhere. With TLS, Dask proves both ends to each other and encrypts what passes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from distributed.comm.core import Comm, Listener, connect, listen
from distributed.security import Security

CHUNK = 1 << 18  # bytes
LOOPBACK = "127.0.0.1"


class End:
    """One end of the way, which listens at `address`; it is closed with all its connections."""

    def __init__(self) -> None:
        self.address = ""
        self.stop: Callable[[], object] = lambda: None
        self._leads: set[asyncio.Task[None]] = set()

    async def lead(self, work: Coroutine[Any, Any, None], end: Callable[[], object]) -> None:
        """Do the work of one connection, as a task that `close` can end also before it begins; `end` closes it."""
        task = asyncio.ensure_future(work)
        self._leads.add(task)
        task.add_done_callback(self._leads.discard)
        try:
            with suppress(asyncio.CancelledError):
                await task
        finally:
            end()

    async def close(self) -> None:
        """Listen no more, and close the connections that are open."""
        self.stop()
        leads = list(self._leads)
        for task in leads:
            task.cancel()
        await asyncio.gather(*leads, return_exceptions=True)


async def offer(address: str, port: int, security: Security) -> End:
    """Listen at an address of Dask, and lead each connection to a port of this machine's loopback.

    OSError if the address cannot be used. What comes is never unpickled.
    """
    end = End()

    async def lead(comm: Comm) -> None:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            await _join(comm, reader, writer)

    async def accept(comm: Comm) -> None:
        await end.lead(lead(comm), comm.abort)

    listener: Listener = listen(address, accept, deserialize=False, **security.get_listen_args("client"))
    await listener.start()
    end.address, end.stop = listener.contact_address, listener.stop
    return end


async def open_door(address: str, port: int, security: Security) -> End:
    """Listen on a port of this machine's loopback, and lead each connection to the address of an `offer`.

    OSError if the port is taken. The port 0 stands for a free one.
    """
    end = End()

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            comm = await connect(address, deserialize=False, **security.get_connection_args("client"))
            await _join(comm, reader, writer)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await end.lead(lead(reader, writer), writer.close)

    server = await asyncio.start_server(accept, LOOPBACK, port)
    end.address, end.stop = f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}", server.close
    return end


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
        await comm.close()
    except (OSError, EOFError, ValueError):
        pass  # one end has gone, so the other is closed
    finally:
        for one in both:
            one.cancel()
        comm.abort()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _bytes_of(message: Any) -> bytes:
    """The bytes of a message; ValueError for a message that is none of this module."""
    found = message.get("bytes") if isinstance(message, dict) else None
    if not isinstance(found, bytes | bytearray | memoryview):  # Dask keeps a pickled value as it came
        raise ValueError("a message without bytes")
    return bytes(found)
