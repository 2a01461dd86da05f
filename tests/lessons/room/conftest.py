"""A room that is served on loopback, and clients that ask it over real sockets."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from lab.lessons.library import Lesson, find_lesson
from lab.lessons.room.pages import TEMPLATES, Pages
from lab.lessons.room.room import Room
from lab.lessons.room.serving import Served, serving
from lab.machines.listening import open_socket
from lab.model import Planned, TrialKey
from lab.project import find
from tests.conftest import HANGS, ROOT

STEPS = ("RUN echo tools > /tools", "COPY app.txt /app.txt", "RUN wc -c < /app.txt > /size")
CHOICES = ("no-step", "first-only", "both-runs", "all-steps")


def key(variation: str, producer: str = "26.1.5", consumer: str = "26.1.5") -> TrialKey:
    return TrialKey("local", producer, "local", consumer, "layer-key", variation)


def planned(*keys: TrialKey, run: str = "r1") -> Planned:
    return Planned(run, "layer-key", "local", datetime(2026, 11, 26, tzinfo=UTC), STEPS, keys)


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    text: str


@dataclass
class Client:
    """One browser: it keeps its cookies, and follows no redirect."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    opened: list[Events] = field(default_factory=list)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANGS)
        try:
            connection.request(method, path, body, self._headers(headers))
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
            return Answer(answer.status, answer.headers, answer.read().decode())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, **fields: str) -> Answer:
        return self.ask("POST", path, urlencode(fields).encode())

    def events(self, path: str) -> Events:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANGS)
        connection.request("GET", path, headers=self._headers({}))
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        self.opened.append(stream := Events(connection, answer))
        return stream

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Host": f"127.0.0.1:{self.port}", **({"Cookie": cookie} if cookie else {}), **more}


@dataclass
class Events:
    """A stream of events, read until one is as wanted."""

    connection: http.client.HTTPConnection
    answer: http.client.HTTPResponse

    def next(self) -> tuple[str, Any]:
        name = ""
        while line := self.answer.readline().decode():
            if line.startswith("event: "):
                name = line[7:].strip()
            if line.startswith("data: "):
                return name, json.loads(line[6:])
        raise EOFError

    def state(self, **wanted: object) -> dict[str, Any]:
        """The first state that has these values."""
        while True:
            name, value = self.next()
            if name == "state" and all(value[key] == item for key, item in wanted.items()):
                return dict(value)

    def close(self) -> None:
        self.answer.close()
        self.connection.close()


@dataclass
class Place:
    """A room with its server."""

    room: Room
    served: Served
    opened: list[Events] = field(default_factory=list)

    @property
    def port(self) -> int:
        return urlsplit(self.served.urls[0]).port or 0

    @property
    def code(self) -> str:
        return self.served.site.doors.code

    def stranger(self) -> Client:
        return Client(self.port, opened=self.opened)

    def student(self) -> Client:
        client = self.stranger()
        assert client.post("/join", code=self.code).status == 303
        return client

    def teacher(self) -> Client:
        client = self.stranger()
        address = urlsplit(self.served.teacher)
        assert client.get(f"{address.path}?{address.query}").status == 303
        return client


@pytest.fixture(scope="session")
def lesson() -> Lesson:
    return find_lesson("1", ROOT / "templates" / "lessons")


@pytest.fixture
def place(lesson: Lesson) -> Iterator[Place]:
    room = Room(tuple(choice.name for choice in lesson.file.prediction.choices))
    pages = Pages(lesson, find().texts(TEMPLATES))
    with open_socket("127.0.0.1", 0) as listening, serving(listening, "127.0.0.1", room, pages) as served:
        made = Place(room, served)
        yield made
        for stream in made.opened:
            stream.close()
