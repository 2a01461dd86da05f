"""The requests that `lesson serve` and `serve` answer: any path, header and body."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from lab.lessons.library import find_lesson
from lab.lessons.room.doors import Doors
from lab.lessons.room.guard import App
from lab.lessons.room.pages import TEMPLATES, Pages
from lab.lessons.room.room import Room
from lab.lessons.room.site import Site
from lab.machines.pack.manifest import parse
from lab.machines.pack.serving import application
from lab.project import find
from tests.conftest import ROOT
from tests.fuzz.damage import as_bytes, as_json
from tests.fuzz.parsers.packs import MANIFEST
from tests.fuzz.target import Target

HOST = "127.0.0.1:8766"
REQUEST = {
    "method": "POST",
    "path": "/join",
    "query": "code=ABC",
    "headers": [["host", HOST], ["cookie", "lab-seat-8766=x; lab-teacher-8766=y"], ["range", "bytes=0-1"]],
    "body": "code=ABC&choice=a",
}
PATHS = ("/", "/join", "/predict", "/events", "/screen", "/screen/events", "/act", "/room.css", "/manifest.json", "/x")


@cache
def _lesson() -> Any:
    return find_lesson("1", ROOT / "templates" / "lessons")


def _room() -> App:
    """A room at its start. The teacher's token and the code are known, so that requests can have them."""
    lesson = _lesson()
    doors = Doors([HOST])
    doors.code, doors.token = "ABC", "y"
    room = Room(tuple(choice.name for choice in lesson.file.prediction.choices))
    room._seats["x"] = None  # a seat with a known token
    return Site(room, doors, Pages(lesson, find().texts(TEMPLATES)), ("http://x",), 8766).application()


def _pack() -> App:
    return application(Path("/nonexistent"), parse(json.dumps(MANIFEST).encode(), "it"))


def as_request(random: Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """A request with any of its parts changed."""
    request = json.loads(seeds[0])
    request["method"] = random.choice(("GET", "GET", "HEAD", "POST", "POST", "PUT", "\0", ""))
    request["path"] = random.choice(PATHS)
    for part in ("path", "query", "body"):
        if random.randint(0, 3) == 0:
            request[part] = as_bytes(random, [request[part].encode()], words).decode("latin-1")
    if random.randint(0, 3) == 0:
        name = random.choice(("cookie", "range", "content-type", "origin", "if-range", "accept", "x-forwarded-host"))
        request["headers"].append([name, as_bytes(random, [b"bytes=0-1, x=y"], words).decode("latin-1")])
    return (
        as_json(random, [json.dumps(request).encode()], words)
        if random.randint(0, 9) == 0
        else json.dumps(request).encode()
    )


def ask(make: Any, data: bytes) -> object:
    """Send one request to an application; AssertionError for an answer that says that the server failed."""
    try:
        request = json.loads(data)
        method, path, query = (str(request[part]) for part in ("method", "path", "query"))
        headers = [
            (str(name).encode("latin-1", "replace"), str(value).encode("latin-1", "replace"))
            for name, value in request["headers"]
        ]
        body = str(request["body"]).encode("latin-1", "replace")
    except (ValueError, TypeError, KeyError, RecursionError):
        return None  # no request at all
    sent: list[MutableMapping[str, Any]] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("latin-1", "replace"),
        "query_string": query.encode("latin-1", "replace"),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8766),
    }
    asyncio.run(make()(scope, receive, send))
    status = [message["status"] for message in sent if message["type"] == "http.response.start"]
    assert len(status) == 1, f"{len(status)} answers"
    assert status[0] < 500 or status[0] == 503, f"status {status[0]}"
    return status


WORDS = (
    b"code=ABC",
    b"choice=no-step",
    b"action=open",
    b"token=y",
    b"%",
    b"%00",
    b"%ff",
    b"&",
    b"=",
    b";",
    b"..",
    b"//",
)
SEEDS = [json.dumps(REQUEST).encode()]
TARGETS = (
    Target("room-door", lambda data: ask(_room, data), lambda: SEEDS, as_request, WORDS, examples=40),
    Target("pack-door", lambda data: ask(_pack, data), lambda: SEEDS, as_request, WORDS, examples=40),
)
