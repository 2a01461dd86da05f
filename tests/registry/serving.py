"""A registry on loopback that behaves well and badly, and an image that it serves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lab.registry.client import Repository
from lab.registry.logins import Login
from lab.registry.manifests import Platform
from lab.registry.names import parse
from lab.results.facts import ImageFacts
from tests.conftest import ROOT

RECORDED = ROOT / "tests" / "data" / "caches"
CONFIG = json.dumps(
    {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], "WorkingDir": "/w", "User": "u", "Shell": ["/bin/sh"], "OnBuild": None},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "a" * 64]},
        "moby.buildkit.cache.v0": "W10=",
    }
).encode()
AMD, ARM = Platform(), Platform("linux", "arm64")


def digest(data: bytes) -> str:
    return "sha256:" + sha256(data).hexdigest()


MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"digest": digest(CONFIG)},
        "layers": [{"digest": "sha256:" + "b" * 64, "size": 7}],
    }
).encode()
INDEX = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {"digest": "sha256:" + "0" * 64, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
            {"digest": digest(MANIFEST), "platform": {"os": "linux", "architecture": "amd64"}},
            {
                "digest": "sha256:" + "1" * 64,
                "platform": {"os": "unknown", "architecture": "unknown"},
                "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
            },
        ],
    }
).encode()
SCHEMA_1 = json.dumps({"schemaVersion": 1, "name": "x", "fsLayers": []}).encode()


class Server:
    """A registry on loopback; `answers` maps a path to status, headers, body; `seen` holds what was asked with what."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {
            "/v2/x/manifests/latest": (200, {}, MANIFEST),
            f"/v2/x/manifests/{digest(MANIFEST)}": (200, {}, MANIFEST),
            f"/v2/x/blobs/{digest(CONFIG)}": (200, {}, CONFIG),
        }
        self.wanted: str | None = None  # the Authorization without which the answer is 401
        self.challenge = ""
        self.delay = 0.0
        self.piece, self.pause = 1 << 20, 0.0  # bytes that are sent at once, and seconds between them
        self.seen: list[tuple[str, str | None]] = []
        self.posted: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.do_GET()

            def do_GET(self) -> None:
                outer.seen.append((self.path, self.headers.get("Authorization")))
                outer.headers.append(dict(self.headers))
                time.sleep(outer.delay)
                path = self.path.partition("?")[0]
                status, headers, body = outer.answers.get(path, (404, {}, b"{}"))
                if path.startswith("/v2/") and outer.wanted not in (None, self.headers.get("Authorization")):
                    status, headers, body = 401, {"WWW-Authenticate": outer.challenge}, b"{}"
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(BrokenPipeError, ConnectionResetError):  # who asked did not wait
                    for start in range(0, len(body), outer.piece):
                        self.wfile.write(body[start : start + outer.piece])
                        time.sleep(outer.pause)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.name = f"localhost:{self.port}/x"

    def record(self, repository: str = "app") -> None:
        """Serve the recorded registry below tests/data/caches."""
        tags = json.loads((RECORDED / "registry" / "tags.json").read_bytes())
        place = f"/v2/{repository}"
        blobs = {f"sha256:{path.name}": path.read_bytes() for path in (RECORDED / "registry" / "blobs").iterdir()}
        for name, content in blobs.items():
            self.answers[f"{place}/blobs/{name}"] = (200, {}, content)
        for tag, about in tags.items():
            for name in (tag, about["digest"]):
                kind = {"Content-Type": about["mediaType"]}
                self.answers[f"{place}/manifests/{name}"] = (200, kind, blobs[about["digest"]])
        self.answers[f"{place}/tags/list"] = (200, {}, json.dumps({"name": repository, "tags": list(tags)}).encode())

    def put(self, repository: str, manifest: object, *blobs: bytes, tag: str = "latest") -> str:
        """Serve a manifest under a tag and its digest, with blobs; return the name under which it is read."""
        text = json.dumps(manifest).encode()
        for name in (tag, digest(text)):
            self.answers[f"/v2/{repository}/manifests/{name}"] = (200, {}, text)
        for content in blobs:
            self.answers[f"/v2/{repository}/blobs/{digest(content)}"] = (200, {}, content)
        return f"localhost:{self.port}/{repository}:{tag}"

    def image(self, platform: Platform = AMD, login: Login | None = None, seconds: float = 5) -> ImageFacts:
        return Repository(parse(self.name), login=login, seconds=seconds).image(platform)


@contextmanager
def serving() -> Iterator[Server]:
    """A registry that runs as long as the block."""
    made = Server()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()
