"""Streams of events, read in a loop of their own without a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lab.lessons.room import feed as module
from lab.lessons.room.feed import Feed


def events(*words: str) -> list[str]:
    return ["retry: 1000\n\n", *words]


async def take(stream: AsyncIterator[str], count: int) -> list[str]:
    return [await anext(stream) for _ in range(count)]


def test_a_stream_begins_with_the_whole_state_and_sends_each_change_once() -> None:
    state: dict[str, Any] = {"n": 1}

    async def read() -> list[str]:
        feed = Feed()
        stream = feed.stream("a", lambda: dict(state))
        sent = await take(stream, 2)
        feed.wake()  # nothing that this reader sees has changed: nothing is sent
        later = asyncio.ensure_future(take(stream, 1))
        await asyncio.sleep(3 * module.PAUSE)
        assert not later.done()
        state["n"] = 2
        feed.wake()
        return sent + await later

    assert asyncio.run(read()) == events('event: state\ndata: {"n": 1}\n\n', 'event: state\ndata: {"n": 2}\n\n')


def test_silence_has_a_beat_and_the_end_is_told() -> None:
    async def read() -> list[str]:
        feed = Feed(beat=0.01)
        stream = feed.stream("a", dict)
        sent = await take(stream, 3)
        feed.end()
        rest = [item async for item in stream]
        return [*sent, rest[-1]]

    assert asyncio.run(read()) == events(
        "event: state\ndata: {}\n\n", "event: beat\ndata: 1\n\n", "event: end\ndata: 1\n\n"
    )


def test_streams_of_one_reader_and_of_all_have_a_limit_and_a_closed_one_counts_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_STREAMS", 3)
    monkeypatch.setattr(module, "MOST_OF_ONE", 2)

    async def read() -> list[bool]:
        feed = Feed()
        open_ = [feed.stream(owner, dict) for owner in ("a", "a")]
        for stream in open_:
            await anext(stream)
        found = [feed.has_room("a"), feed.has_room("b")]
        third = feed.stream("b", dict)
        await anext(third)
        found.append(feed.has_room("c"))
        for stream in (*open_, third):
            await stream.aclose()  # type: ignore[attr-defined]
        return [*found, feed.has_room("a"), len(feed) == 0]

    assert asyncio.run(read()) == [False, True, False, True, True]


def test_a_change_after_the_loop_has_ended_harms_nothing() -> None:
    feed = Feed()

    async def read() -> None:
        stream = feed.stream("a", dict)
        await anext(stream)

    asyncio.run(read())
    feed.wake()
    assert len(feed) == 0
