"""`serve`: a folder of the context by HTTP for as long as the side makes its steps, with a real busybox."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
from contextlib import nullcontext
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.local import LocalBox
from lab.engines.engine import Engine
from lab.registry.server import Registry
from lab.results.run import load
from lab.run.station import Station
from lab.run.steps.serve import Serve
from lab.run.steps.work import Recipe, Work
from lab.workers import wait_for
from tests.conftest import ROOT

FACTS = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr").boxes[0]
pytestmark = pytest.mark.skipif(shutil.which("busybox") is None, reason="busybox is not installed")


def asked(port: int) -> tuple[bytes, str | None]:
    """The body of the file and its Last-Modified."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/file.txt")
    answer = connection.getresponse()
    return answer.read(), answer.headers.get("Last-Modified")


def test_files_are_served_until_the_side_has_made_its_steps(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    engine = Engine("26.1.5", ("docker",), "26.1.5", "26.1.5", "")
    registry = Registry("localhost:1", "registry")
    station = Station(LocalBox(), lambda what: nullcontext(), engine, FACTS, PurePosixPath(tmp_path), registry)
    recipe = Recipe("FROM b\n", (), {"web/file.txt": (b"file\n", False)})
    work = Work(station, recipe, "consumer", "slug", "r", {}, lambda what: None)
    os.utime(Path(work.context()) / "web" / "file.txt", (1_000_000_000, 1_000_000_000))
    Serve(folder="web", at=f"localhost:{port}").run(work)
    try:
        assert asked(port) == (b"file\n", "Sun, 09 Sep 2001 01:46:40 GMT")
    finally:
        for end in work.endings:
            end()
    wait_for("the server to end", lambda: _refuses(port) or "it answers", timeout=60, every=0.1)


def _refuses(port: int) -> bool:
    try:
        asked(port)
    except OSError:
        return True
    return False
