"""The pace of answers, by a clock that only counts; tests/cli/test_serve.py asks the whole server over a socket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lab.machines.pack import serving
from lab.machines.pack.serving import BURST, Pace, Paced


class Clock:
    """A loop's clock in which waiting takes no time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waited: list[float] = []

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("asyncio.sleep", made.sleep)
    monkeypatch.setattr("asyncio.get_running_loop", lambda: made)
    return made


async def answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200})
    for _ in range(4):
        await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def ask(app: Paced, address: str) -> list[Any]:
    """The messages that a client of this address receives."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    asyncio.run(app({"type": "http", "client": (address, 1)}, receive, send))
    return sent


def test_a_rate_of_1000_sends_4000_bytes_in_four_seconds(clock: Clock) -> None:
    sent = ask(Paced(answer, 1000, None), "10.0.0.1")
    assert sum(len(message.get("body", b"")) for message in sent) == 4000
    assert clock.now == pytest.approx(4 - BURST)


def test_clients_share_the_rate_of_all_and_not_that_of_each(clock: Clock) -> None:
    app = Paced(answer, 1000, None)
    ask(app, "10.0.0.1"), ask(app, "10.0.0.2")
    assert clock.now == pytest.approx(8 - BURST)
    clock.now = 100.0
    app = Paced(answer, None, 1000)
    ask(app, "10.0.0.1")
    first = clock.now
    clock.now = 100.0  # another client at the same time
    ask(app, "10.0.0.2")
    assert clock.now == first == pytest.approx(104 - BURST)


def test_without_a_rate_nobody_waits(clock: Clock) -> None:
    assert len(ask(Paced(answer, None, None), "10.0.0.1")) == 6
    assert clock.waited == []


def test_a_pause_is_not_saved_up(clock: Clock) -> None:
    pace = Pace(1000)
    asyncio.run(pace.take(100))
    clock.now += 60
    asyncio.run(pace.take(1000))
    assert clock.waited == pytest.approx([0, 1 - BURST])


def test_the_addresses_that_are_remembered_have_a_limit(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MOST_CLIENTS", 2)
    app = Paced(answer, None, 1000)
    for number in range(5):
        ask(app, f"10.0.0.{number}")
    assert len(app.clients) <= 2
