"""Server-sent events: each stream sends the whole state at its start and after each change that its reader can see."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

BEAT_SECONDS = 15.0  # a page that hears nothing for three beats opens a new stream
PAUSE = 0.05  # seconds between two states on one stream: many changes at once are sent as one
MOST_STREAMS, MOST_OF_ONE = 400, 4


class Feed:
    """The open streams of a room. `wake` may be called from any thread, everything else from the server's loop."""

    def __init__(self, beat: float = BEAT_SECONDS) -> None:
        self._beat = beat
        self._loop: asyncio.AbstractEventLoop | None = None
        self._streams: set[asyncio.Event] = set()
        self._owners: Counter[str] = Counter()
        self._ended = False

    def __len__(self) -> int:
        return len(self._streams)

    def wake(self) -> None:
        """Let each stream look at the state again."""
        if self._loop:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._set)

    def end(self) -> None:
        """End all streams: their pages say that the lesson has ended, and do not connect again."""
        self._ended = True
        self.wake()

    def has_room(self, owner: str) -> bool:
        """True if one more stream may be opened for this owner."""
        return len(self._streams) < MOST_STREAMS and self._owners[owner] < MOST_OF_ONE

    async def stream(self, owner: str, state: Callable[[], dict[str, Any]]) -> AsyncIterator[str]:
        """The events of one reader: `state` with the whole state, `beat` in silence, `end` at the end."""
        self._loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        changed.set()
        self._streams.add(changed)
        self._owners[owner] += 1
        try:
            yield "retry: 1000\n\n"
            sent = ""
            while not self._ended:
                if not await _within(changed, self._beat):
                    yield _event("beat", "1")
                    continue
                changed.clear()
                text = json.dumps(state())
                if text != sent and not self._ended:
                    yield _event("state", text)
                    sent = text
                    await asyncio.sleep(PAUSE)
            yield _event("end", "1")
        finally:
            self._streams.discard(changed)
            self._owners -= Counter([owner])  # an owner without a stream is no longer kept

    def _set(self) -> None:
        for changed in self._streams:
            changed.set()


def _event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
