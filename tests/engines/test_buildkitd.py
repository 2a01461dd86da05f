"""Where a buildkitd lives, the script that starts it, and its debug pages."""

from __future__ import annotations

import http.server
import os
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from lab.engines.buildkitd import BuildkitDaemon, DebugPages, ShownDaemon, debug_pages
from lab.errors import EngineError
from lab.workers import stopping

NEW, OLD = BuildkitDaemon("buildkit-0.25.2", containerd=False), BuildkitDaemon("buildkit-0.13.2", containerd=False)


def test_it_has_places_of_its_own() -> None:
    assert NEW.socket == "unix:///run/lab-buildkit-0.25.2/buildkitd.sock"
    assert NEW.client("/x/buildctl") == ("/x/buildctl", "--addr", NEW.socket)
    assert NEW.remove_network() == "true\n"


def test_its_settings_are_toml_with_places_of_its_own() -> None:
    here = ShownDaemon(
        "buildkit-0.25.2",
        containerd=False,
        home=PurePosixPath("/a b/home"),
        var=PurePosixPath("/a b/var"),
        options=BuildkitDaemon.private_options("lab-1", (0, 25)),
    )
    assert tomllib.loads(here.settings()) == {
        "root": "/a b/var/buildkit-0.25.2",
        "insecure-entitlements": ["network.host"],
        "grpc": {"address": [here.socket], "debugAddress": "127.0.0.1:0"},
        "worker": {
            "containerd": {"enabled": False},
            "oci": {
                "enabled": True,
                "binary": "/a b/home/buildkit-0.25.2/bin/runc",
                "networkMode": "host",
                "gc": False,
                "defaultCgroupParent": "/lab-1",
            },
        },
    }


def test_only_a_daemon_that_is_asked_to_show_texts_has_debug_pages() -> None:
    shown = ShownDaemon("buildkit-0.25.2", containerd=False)
    assert "--save-cache-debug" in shown.script()
    for daemon in (NEW, OLD):  # the pages are open to every user of the machine
        assert "--save-cache-debug" not in daemon.script()
        assert "debugAddress" not in tomllib.loads(daemon.settings())["grpc"]
    assert BuildkitDaemon("buildkit-0.24.0", containerd=False).saves_texts and not OLD.saves_texts


@pytest.mark.parametrize("daemon", [NEW, OLD], ids=lambda daemon: daemon.name)
def test_the_script_is_sound(daemon: BuildkitDaemon) -> None:
    subprocess.run(["/bin/sh", "-n"], input=daemon.script(), text=True, check=True)


@pytest.mark.parametrize(
    ("text", "versions"),
    [
        ("BuildKit: github.com/moby/buildkit v0.25.2+debian \n", "0.25.2+debian 0.25.2+debian"),
        ("BuildKit: github.com/moby/buildkit v0.13.2+debian-x abc\n", "0.13.2+debian-x 0.13.2+debian-x abc"),
        ("BuildKit: github.com/moby/buildkit  \n", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_the_version_that_it_prints(text: str, versions: str) -> None:
    assert NEW.versions(text) == versions


class Page(http.server.BaseHTTPRequestHandler):
    """A debug page that answers with a status and the header of the request."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(f"{self.path} {self.headers['Accept']}".encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[DebugPages]:
    store = tmp_path / "cache-debug.db"
    store.write_bytes(b"1")
    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield DebugPages(f"127.0.0.1:{server.server_port}", store)
        server.shutdown()
        thread.join()


def test_the_page_is_asked_for_as_json(pages: DebugPages) -> None:
    assert pages.texts() == b"/debug/cache/all application/json"


def test_the_page_is_not_read_while_texts_are_written(pages: DebugPages, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = iter(range(5))

    def look(seconds: float) -> bool:
        if (number := next(writes, None)) is not None:
            os.utime(pages.store, ns=(number, number))
        return False

    monkeypatch.setattr(stopping, "wait", look)
    assert pages.texts()
    assert next(writes, None) is None  # it looked until nothing was written


def test_a_page_that_fails_is_an_error(pages: DebugPages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Page, "status", 500)
    with pytest.raises(EngineError, match="status 500"):
        pages.texts()


def test_nothing_that_answers_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"cannot read .*no-store: No such file"):
        DebugPages("127.0.0.1:1", tmp_path / "no-store").texts()
    (tmp_path / "store").touch()
    with pytest.raises(EngineError, match=r"cannot read the debug pages at 127\.0\.0\.1:1: .*refused"):
        DebugPages("127.0.0.1:1", tmp_path / "store").texts()


def test_a_buildkitd_that_does_not_run_has_no_pages(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="it has no debug pages on this machine") as caught:
        debug_pages("buildkit-0.25.2", tmp_path)
    assert caught.value.hint == "BuildKit stores it from 0.24 on"
