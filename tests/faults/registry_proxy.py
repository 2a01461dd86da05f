"""A `docker-registry` that misbehaves on demand: the real one, behind a small proxy on the port that lab asked for.

`python -m tests.faults.registry_proxy CONTROL REAL serve CONFIG`. The file CONTROL holds how it behaves now: `pass`, a
status such as `500`, `once 500` for the next request alone, or `half`, which ends the answer to each request for a blob
in the middle.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

PIECE = 65536
REASONS = {500: "Internal Server Error", 503: "Service Unavailable", 429: "Too Many Requests"}


class Proxy:
    """Connections to one port, relayed to another in the way that the control file names."""

    def __init__(self, control: Path, port: int, real: int) -> None:
        self.control, self.real = control, real
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.lock = threading.Lock()
        self.open: set[socket.socket] = set()

    def serve(self) -> None:
        """Accept connections until the process ends."""
        threading.Thread(target=self._watch, daemon=True).start()
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def mode(self) -> str:
        """How it behaves now; `once` is used up by reading it."""
        with self.lock:
            words = self.control.read_text().split() if self.control.exists() else []
            if words[:1] == ["once"]:
                self.control.write_text("pass")
                return words[1]
            return words[0] if words else "pass"

    def _watch(self) -> None:
        """End the connections that are open when the file changes: a client keeps one for many requests."""
        before = self._text()
        while True:
            time.sleep(0.01)
            now = self._text()
            if now != before:
                with self.lock:
                    for connection in self.open:
                        with suppress(OSError):
                            connection.shutdown(socket.SHUT_RDWR)
            before = now

    def _text(self) -> str:
        return self.control.read_text() if self.control.exists() else ""

    def _handle(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            head = _head(client)
            mode = self.mode()
            if not head:
                return
            if mode.isdigit():
                _refuse(client, int(mode))
                return
            with socket.create_connection(("127.0.0.1", self.real)) as server:
                with self.lock:
                    self.open |= {client, server}
                try:
                    self._relay(client, server, head, half=mode == "half")
                finally:
                    with self.lock:
                        self.open -= {client, server}

    def _relay(self, client: socket.socket, server: socket.socket, head: bytes, *, half: bool) -> None:
        if half:
            head = head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        server.sendall(head)
        back = threading.Thread(target=_copy, args=(client, server), daemon=True)
        back.start()
        if half and re.match(rb"GET \S+/blobs/", head):
            answer = b""
            while piece := server.recv(PIECE):
                answer += piece
            start = answer.find(b"\r\n\r\n") + 4
            client.sendall(answer[: start + (len(answer) - start) // 2])
            return
        _copy(server, client)


def _head(client: socket.socket) -> bytes:
    """The first request up to its empty line, with what came behind it."""
    found = b""
    while b"\r\n\r\n" not in found and (piece := client.recv(PIECE)):
        found += piece
    return found


def _refuse(client: socket.socket, status: int) -> None:
    text = f"HTTP/1.1 {status} {REASONS[status]}\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    client.sendall(text.encode())
    client.shutdown(socket.SHUT_WR)
    client.settimeout(1)
    while client.recv(PIECE):  # a client that still sends its body would lose the answer
        pass


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def main(control: str, program: str, verb: str, config: str) -> None:
    """Start the real registry on a free port, and serve the one of its configuration."""
    path = Path(config)
    settings: dict[str, Any] = yaml.safe_load(path.read_text())
    port = int(settings["http"]["addr"].rpartition(":")[2])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        real = probe.getsockname()[1]
    settings["http"]["addr"] = f"127.0.0.1:{real}"
    behind = path.with_name("behind.yml")
    behind.write_text(yaml.safe_dump(settings))
    registry = subprocess.Popen([program, verb, str(behind)])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while registry.poll() is None:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", real)).close()
                break
            time.sleep(0.01)
        Proxy(Path(control), port, real).serve()
    finally:
        registry.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])
