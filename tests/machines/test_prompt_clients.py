"""A connection on which no complete head comes is closed in time, and one that is used stays."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from lab.machines.prompt_clients import PromptClients
from lab.workers import wait_for

IDLE = 2  # seconds
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def port() -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    application = Starlette(routes=[Route("/", lambda request: PlainTextResponse("hello"))])
    config = uvicorn.Config(
        application, http=PromptClients, log_level="critical", lifespan="off", timeout_keep_alive=IDLE
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    wait_for("the server", lambda: server.started or "it starts", timeout=60, every=0.02)
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()


def until_closed(client: socket.socket, piece: bytes = b"") -> float:
    """The seconds until the server closes; `piece` is sent again and again."""
    start = time.monotonic()
    client.settimeout(IDLE / 10 if piece else 60)
    while True:
        try:
            if piece:
                client.sendall(piece)
            if not client.recv(1):
                return time.monotonic() - start
        except TimeoutError:
            assert time.monotonic() - start < 60
        except OSError:
            return time.monotonic() - start


def test_a_client_that_sends_nothing_is_let_go(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        assert until_closed(client) >= IDLE / 2


@pytest.mark.parametrize("first", [b"", HEAD])
def test_a_head_that_comes_byte_by_byte_is_not_awaited_for_ever(port: int, first: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        if first:
            client.sendall(first)
            assert b"hello" in answer(client)
        client.sendall(b"GET / HTTP/1.1\r\nX: ")
        assert until_closed(client, b"x") >= IDLE / 2


def test_a_connection_that_is_used_stays_open(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        for _ in range(3):
            client.sendall(HEAD[:10])
            time.sleep(IDLE / 4)
            client.sendall(HEAD[10:])
            assert b"hello" in answer(client)


def answer(client: socket.socket) -> bytes:
    client.settimeout(60)
    found = b""
    while b"hello" not in found:
        piece = client.recv(1000)
        assert piece, found
        found += piece
    return found
