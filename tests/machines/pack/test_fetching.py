"""The client against servers that break: each answers with real bytes over a real socket of this machine."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.errors import ConfigError, HostError, UsageError
from lab.machines.pack.arrival import PIECE, Arrival
from lab.machines.pack.fetching import ATTEMPTS, Client
from lab.machines.pack.manifest import Entry, Sort

DATA = bytes(range(251)) * (2 * PIECE // 251)
ENTRY = Entry(path="boxes/a", size=len(DATA), sha256=hashlib.sha256(DATA).hexdigest(), sort=Sort.BOX, about="a")
Answer = Callable[[http.server.BaseHTTPRequestHandler, int], None]


@contextmanager
def server(*answers: Answer) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that gives these answers in turn, the last one again and again; yields its address and the requests."""
    asked: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
            offset = int(self.headers.get("Range", "bytes=0-")[6:-1])
            answers[min(len(asked), len(answers)) - 1](self, offset)

        def log_message(self, format: str, *words: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{httpd.server_port}", asked
        finally:
            httpd.shutdown()
            thread.join()


def send(part: bytes, length: int, status: int = 200, offset: int | None = None) -> Answer:
    """An answer of some bytes, with the length and the offset that it states."""

    def answer(handler: http.server.BaseHTTPRequestHandler, _: int) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(length))
        if offset is not None:
            handler.send_header("Content-Range", f"bytes {offset}-{len(DATA) - 1}/{len(DATA)}")
        handler.end_headers()
        handler.wfile.write(part)
        handler.close_connection = True

    return answer


def rest(handler: http.server.BaseHTTPRequestHandler, offset: int) -> None:
    """The rest of the file, from where the client asks."""
    send(DATA[offset:], len(DATA) - offset, 206 if offset else 200, offset if offset else None)(handler, offset)


def status(code: int, location: str | None = None) -> Answer:
    """An answer without content."""

    def answer(handler: http.server.BaseHTTPRequestHandler, _: int) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", "0")
        if location:
            handler.send_header("Location", location)
        handler.end_headers()

    return answer


def test_a_broken_connection_is_continued_where_it_broke(tmp_path: Path) -> None:
    counted: list[int] = []
    with server(send(DATA[:PIECE], len(DATA)), rest) as (url, asked):
        Client(url, pause=0).fetch(ENTRY, tmp_path / "a", counted.append)
    assert (tmp_path / "a").read_bytes() == DATA
    assert [request.get("range") for request in asked] == [None, f"bytes={PIECE}-"]
    assert asked[1]["if-range"] == f'"{ENTRY.sha256}"'
    assert sum(counted) == len(DATA)


def test_a_part_of_an_earlier_process_is_continued(tmp_path: Path) -> None:
    with Arrival(ENTRY, tmp_path / "a") as arrival:
        arrival.write(DATA[:1000])
    with server(rest) as (url, asked):
        Client(url, pause=0).fetch(ENTRY, tmp_path / "a", lambda got: None)
    assert (tmp_path / "a").read_bytes() == DATA
    assert [request.get("range") for request in asked] == ["bytes=1000-"]


@pytest.mark.parametrize("wrong", [send(DATA, len(DATA)), send(DATA, len(DATA), 206, 0)])
def test_a_server_that_begins_elsewhere_is_read_from_its_beginning(tmp_path: Path, wrong: Answer) -> None:
    """The whole file instead of the rest: its server knows no ranges, or the file there is another one now."""
    with Arrival(ENTRY, tmp_path / "a") as arrival:
        arrival.write(DATA[:1000])
    counted: list[int] = []
    with server(wrong) as (url, _):
        Client(url, pause=0).fetch(ENTRY, tmp_path / "a", counted.append)
    assert (tmp_path / "a").read_bytes() == DATA
    assert sum(counted) == len(DATA)


def test_a_damaged_part_is_downloaded_again(tmp_path: Path) -> None:
    with Arrival(ENTRY, tmp_path / "a") as arrival:
        arrival.write(b"x" * 1000)
    with server(rest) as (url, asked):
        Client(url, pause=0).fetch(ENTRY, tmp_path / "a", lambda got: None)
    assert (tmp_path / "a").read_bytes() == DATA
    assert [request.get("range") for request in asked] == ["bytes=1000-", None]


def test_a_full_server_is_asked_again(tmp_path: Path) -> None:
    with server(status(503), status(429), rest) as (url, asked):
        Client(url, pause=0).fetch(ENTRY, tmp_path / "a", lambda got: None)
    assert len(asked) == 3
    assert (tmp_path / "a").read_bytes() == DATA


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    other = b"x" + DATA[1:]
    with server(send(other, len(other))) as (url, asked), pytest.raises(ConfigError, match="boxes/a: its sum is not"):
        Client(url, pause=0).fetch(ENTRY, tmp_path / "a", lambda got: None)
    assert len(asked) == 1
    assert not (tmp_path / "a").exists()


def test_more_bytes_than_stated_are_refused(tmp_path: Path) -> None:
    with server(send(DATA + b"x", len(DATA) + 1)) as (url, _), pytest.raises(ConfigError, match="it has more than"):
        Client(url, pause=0).fetch(ENTRY, tmp_path / "a", lambda got: None)
    assert not (tmp_path / "a").exists()


def test_a_redirection_is_not_followed(tmp_path: Path) -> None:
    with server(rest) as (elsewhere, there), server(status(302, f"{elsewhere}/boxes/a")) as (url, _):
        with pytest.raises(HostError, match="the server answered 302"):
            Client(url, pause=0).fetch(ENTRY, tmp_path / "a", lambda got: None)
        assert there == []


def test_a_missing_file_is_not_asked_for_twice(tmp_path: Path) -> None:
    with server(status(404)) as (url, asked), pytest.raises(HostError, match="the server answered 404"):
        Client(url, pause=0).fetch(ENTRY, tmp_path / "a", lambda got: None)
    assert len(asked) == 1


def test_a_server_that_sends_nothing_more_is_given_up_and_the_part_stays(tmp_path: Path) -> None:
    stuck = [send(DATA[:1000], len(DATA)), send(b"", len(DATA) - 1000, 206, 1000)]
    with server(*stuck) as (url, asked), pytest.raises(HostError) as caught:
        Client(url, pause=0).fetch(ENTRY, tmp_path / "a", lambda got: None)
    assert "the same command continues" in (caught.value.hint or "")
    assert len(asked) == ATTEMPTS
    with Arrival(ENTRY, tmp_path / "a") as arrival:
        assert arrival.offset == 1000


def test_nobody_at_the_address_is_an_error_of_this_machine() -> None:
    with server(rest) as (url, _):
        pass  # its port is free again
    with pytest.raises(HostError, match="Connection refused"):
        Client(url, pause=0).read("manifest.json", 100)


def test_no_proxy_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with server(rest) as (url, _):
        assert Client(url, pause=0).read("boxes/a", len(DATA)) == DATA


def test_a_small_file_has_a_limit() -> None:
    with server(rest) as (url, _), pytest.raises(ConfigError, match="more than"):
        Client(url, pause=0).read("boxes/a", len(DATA) - 1)


@pytest.mark.parametrize("url", ["http://", "http:///pack", "http://host/?a=b", "http://host/#a"])
def test_an_address_without_a_host_or_with_more_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        Client(url)
