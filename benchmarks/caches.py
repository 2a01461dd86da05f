"""Measure how long caches take to read, and how much memory: `python -m benchmarks.caches`.

A server on loopback serves one cache of 2,000 records, as a registry has it. `lab why` asks it as a process of its own,
with `--limit 0`, so that no search is part of the time. The largest cache config is read from a file.
"""

from __future__ import annotations

import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lab.buildkit.cachekeys.cacheconfig import MEDIA_TYPE
from lab.errors import ReadError
from lab.registry.manifests import OCI_INDEX, Platform
from lab.registry.sources.reading import read_sources

RECORDS = 2000
LAYERS = 150
READ_SECONDS = 0.5
WHY_SECONDS = 2.0
LARGE_SECONDS = 10.0
LARGE_MEMORY = 500.0  # MB, of the whole process
GROWTH = 15.0  # times the seconds for ten times the records
DOCKERFILE = "FROM scratch\n" + "".join(f"RUN step {number}\n" for number in range(20)) + "COPY file /file\n"


def digest(text: str | bytes) -> str:
    """A digest of its own for every text."""
    return "sha256:" + hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def config(records: int) -> Iterator[str]:
    """A cache config of a build with as many records, in parts: each has two inputs, a selector and a result."""
    about = {"diffID": digest("x"), "size": 12345, "createdAt": "2026-11-26T12:00:00Z"}
    layers = [{"blob": digest(f"layer {n}"), "parent": n - 1, "annotations": about} for n in range(LAYERS)]
    yield f'{{"layers":{json.dumps(layers)},"records":['
    for number in range(records):
        item: dict[str, Any] = {"digest": digest(f"record {number}")}
        if number:
            item["inputs"] = [[{"link": number - 1, "selector": digest("file")}], [{"link": 0}]]
            item["layers"] = [{"layer": number % LAYERS, "createdAt": "2026-11-26T12:00:00.123456789Z"}]
        yield ("," if number else "") + json.dumps(item, separators=(",", ":"))
    yield "]}"


def write(path: Path, records: int) -> None:
    """Write a cache config to a file, part by part."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(config(records))


@contextmanager
def registry() -> Iterator[str]:
    """A registry with the cache; the name under which it is read."""
    blob = "".join(config(RECORDS)).encode()
    layers = [{"mediaType": "x", "digest": digest(f"layer {number}"), "size": 1} for number in range(LAYERS)]
    about = {"mediaType": MEDIA_TYPE, "digest": digest(blob), "size": len(blob)}
    index = json.dumps({"mediaType": OCI_INDEX, "manifests": [*layers, about]}).encode()
    answers = {"/v2/app/manifests/cache": index, f"/v2/app/blobs/{digest(blob)}": blob}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"type=registry,ref=localhost:{server.server_address[1]}/app:cache"
    server.shutdown()
    server.server_close()


def reading(source: str) -> float:
    """Seconds to read one source in this process."""
    start = time.monotonic()
    [found] = read_sources([source], Platform(), 60)
    assert found.count
    return time.monotonic() - start


def apart(path: Path) -> tuple[float, float]:
    """Seconds to read a cache config in a process of its own, and the memory of that process in MB."""
    words = [sys.executable, "-m", "benchmarks.caches", f"type=s3,src={path}"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    seconds, memory = done.stdout.split()
    return float(seconds), float(memory)


def why(source: str, folder: Path) -> float:
    """Seconds of `lab why` as a process of its own."""
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "file").write_text("content\n")
    words = [sys.executable, "-m", "lab", "why", "--cache-from", source, "--engine", "26.1.5", "--limit", "0"]
    start = time.monotonic()
    done = subprocess.run([*words, str(folder)], capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    assert done.returncode in (0, 4, 14), done.stderr
    return seconds


def shown(what: str, value: float, bound: float, unit: str) -> bool:
    """Print one figure with its bound; True if it is over it."""
    print(f"{what}: {value:.2f} {unit} (bound {bound:g})")
    return value > bound


def main() -> int:
    """Print every figure; 1 if one is over its bound."""
    if sys.argv[1:]:
        print(reading(sys.argv[1]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return 0
    over = []
    with tempfile.TemporaryDirectory() as name, registry() as source:
        folder = Path(name)
        over.append(shown(f"a registry cache of {RECORDS} records, read", reading(source), READ_SECONDS, "s"))
        context = folder / "context"
        context.mkdir()
        over.append(
            shown(f"lab why with a registry cache of {RECORDS} records", why(source, context), WHY_SECONDS, "s")
        )
        files = {records: folder / str(records) for records in (10_000, 100_000, 1_000_000)}
        for records, path in files.items():
            write(path, records)
        (small, _), (large, memory) = (apart(files[records]) for records in (10_000, 100_000))
        size = files[100_000].stat().st_size >> 20
        over.append(shown(f"a cache config of 100,000 records ({size} MiB), read", large, LARGE_SECONDS, "s"))
        over.append(shown("growth for ten times the records", large / small, GROWTH, "times"))
        over.append(shown("memory of its process at most", memory, LARGE_MEMORY, "MB"))
        start = time.monotonic()
        try:
            reading(f"type=s3,src={files[1_000_000]}")
        except ReadError as error:
            print(f"a cache config of 1,000,000 records is refused: {error.message.rpartition(': ')[2]}")
            over.append(shown("until it is refused", time.monotonic() - start, READ_SECONDS, "s"))
    return int(any(over))


if __name__ == "__main__":
    sys.exit(main())
