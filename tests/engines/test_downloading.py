"""Downloads: a connection that breaks is opened again, and a file is complete or absent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lab.engines import download as module
from lab.engines.download import download
from lab.errors import EngineError, HostError
from lab.notices import Notice, Retried, listening
from lab.retries import Attempts

CONTENT = bytes(range(256)) * 4000


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DOWNLOADING", Attempts(most=3, first=0.01))


@contextmanager
def server(*answers: str) -> Iterator[str]:
    """A server that gives one of these answers after the other: whole, half, silent, or a status."""
    left, stop = list(answers), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = left.pop(0)
            if answer.isdecimal():
                self.send_error(int(answer))
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT if answer == "whole" else CONTENT[:1000])
            if answer == "silent":
                stop.wait()

        def log_message(self, *words: object) -> None:
            """Print nothing."""

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{made.server_address[1]}/docker-1.0.tgz"
    finally:
        stop.set()
        made.shutdown()
        thread.join()
        made.server_close()
    assert left == []


@pytest.mark.parametrize("first", ["half", "silent", "503", "429"])
def test_a_download_that_broke_begins_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    monkeypatch.setattr(module, "TRANSFER", 1.0)  # it is a minute
    heard: list[Notice] = []
    with server(first, "whole") as url, listening(heard.append):
        part = download(url, tmp_path / "docker-1.0.tgz", lambda event: None)
    assert part.read_bytes() == CONTENT
    [notice] = heard
    assert isinstance(notice, Retried)
    assert (notice.what, notice.attempt) == ("download", 1)
    if first == "half":
        assert notice.why == f"the connection was closed after 1000 of {len(CONTENT)} bytes"


def test_a_download_that_breaks_each_time_is_an_error_of_the_host(tmp_path: Path) -> None:
    with server("half", "half", "half") as url, pytest.raises(HostError, match="cannot download http"):
        download(url, tmp_path / "docker-1.0.tgz", lambda event: None)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_does_not_exist_is_asked_for_once(tmp_path: Path) -> None:
    with server("404") as url, pytest.raises(EngineError, match="there is no such file"):
        download(url, tmp_path / "docker-1.0.tgz", lambda event: None)
    assert list(tmp_path.iterdir()) == []
