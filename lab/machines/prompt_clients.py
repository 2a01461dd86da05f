"""A server's side of HTTP that closes a connection on which no complete head of a request comes in time."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class PromptClients(H11Protocol):
    """uvicorn's protocol, whose limit on idle connections also holds before the first request and within a head.

    uvicorn itself waits without a limit there, so clients that send nothing would take all connections.
    """

    _deadline = 0.0  # of the head that comes next, by the loop's clock

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._deadline = self.loop.time() + self.timeout_keep_alive
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Go on waiting if what came does not complete a head; the bytes of a slow one do not prolong the time."""
        if self.timeout_keep_alive_task is not None:
            self._deadline = self.timeout_keep_alive_task.when()
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is None and self._is_free:
            self._wait()

    @property
    def _is_free(self) -> bool:
        return not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete)

    def _wait(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_at(self._deadline, self.timeout_keep_alive_handler)
