"""Serve the recorded cache beside this file as a registry does, on loopback and for reading alone; Ctrl-C ends it.

The port is the first argument, or PORT. It needs nothing but Python. The layers of the cache were left out: what lab
reads are the records.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CACHE = Path(__file__).parent / "cache"
HOST, PORT = "127.0.0.1", 5955


class Registry(BaseHTTPRequestHandler):
    """Answers questions for `/v2/app/manifests/cache` and `/v2/app/blobs/sha256:...` from an OCI layout."""

    def do_GET(self) -> None:
        """Send a manifest or a blob, or 404."""
        [tag] = json.loads((CACHE / "index.json").read_bytes())["manifests"]
        asked = {"/v2/app/manifests/cache": tag["digest"]}.get(self.path, self.path.rpartition("/")[2])
        algorithm, _, digits = asked.partition(":")
        blob = CACHE / "blobs" / "sha256" / digits
        found = algorithm == "sha256" and digits.isalnum() and blob.is_file()
        body = blob.read_bytes() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", tag["mediaType"] if "/manifests/" in self.path else "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: the terminal belongs to lab."""


def serve(port: int) -> None:
    """Serve until Ctrl-C; ends with a sentence if the port is not free."""
    try:
        server = ThreadingHTTPServer((HOST, port), Registry)
    except (OSError, OverflowError) as error:
        sys.exit(
            f"cannot serve on {HOST}:{port}: {error}. If another one of this program still serves, use that; "
            f"else name another port: python3 {sys.argv[0]} {PORT + 1}"
        )
    with server:
        sys.stdout.write(f"serving the cache as {HOST}:{server.server_port}/app:cache\n")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.exit()


if __name__ == "__main__":
    words = sys.argv[1:] or [str(PORT)]
    if len(words) > 1 or not words[0].isascii() or not words[0].isdigit():
        sys.exit(f"cannot use {' '.join(words)!r}: the only argument is a port, such as {PORT}")
    serve(int(words[0]))
