"""Measure bytes between lab and a box behind ssh: `python -m benchmarks.transfer`.

The box is an sshd of this program's own on loopback. Measured are the output of one command, and one answer and one
upload through the forward to the registry, in seconds and in processor time of this process.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.boxes.ssh import SshBox
from tests.boxes.test_ssh import Sshd, free_port

OUTPUT, BODY = 20_000_000, 50_000_000  # bytes
BOUND = 2.0  # seconds for each
PIECE = 1 << 20


class Store(BaseHTTPRequestHandler):
    """Gives BODY bytes, and takes as many."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Give the bytes."""
        self.send_response(200)
        self.send_header("Content-Length", str(BODY))
        self.end_headers()
        self.wfile.write(bytes(BODY))

    def do_PUT(self) -> None:
        """Take the bytes, and say how many there were."""
        left = int(self.headers["Content-Length"])
        while left and (got := len(self.rfile.read(min(left, PIECE)))):
            left -= got
        answer = f"{int(self.headers['Content-Length']) - left}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


def main() -> None:
    """Print every figure with its bound; exit status 1 if one is over it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    with TemporaryDirectory() as folder:
        sshd = Sshd(Path(folder))
        sshd.start()
        box = sshd.box()
        try:
            box.bring_up(lambda event: None)
            over = [measured(f"{OUTPUT // 10**6} MB of output", lambda: output(box))]
            there = free_port()  # the box's loopback is this machine's
            with box.registry_door(there, port):
                url = f"http://127.0.0.1:{there}/"
                get = f"curl -s {url} | wc -c"
                put = f"head -c {BODY} /dev/zero | curl -s -T - -H Expect: -H 'Content-Length: {BODY}' {url}x"
                over.append(measured(f"{BODY // 10**6} MB from the registry", lambda: said(box, get)))
                over.append(measured(f"{BODY // 10**6} MB to the registry", lambda: said(box, put)))
        finally:
            box.close()
            sshd.stop()
            server.shutdown()
    sys.exit(any(over))


def output(box: SshBox) -> None:
    """Read much output of one command."""
    assert len(box.run(["head", "-c", str(OUTPUT), "/dev/zero"]).stdout) == OUTPUT


def said(box: SshBox, line: str) -> None:
    """Run a line that prints how many bytes passed."""
    assert box.run(["sh", "-c", line], timeout=600).text.strip() == str(BODY)


def measured(name: str, work: Callable[[], None]) -> bool:
    """Print how long the work takes; True if it takes longer than the bound."""
    clock, cpu = time.monotonic(), time.process_time()
    work()
    seconds, own = time.monotonic() - clock, time.process_time() - cpu
    over = seconds > BOUND
    print(f"{'OVER' if over else 'ok  '} {name}: {seconds:.2f} s, {own:.2f} s of CPU here (bound {BOUND:g} s)")
    return over


if __name__ == "__main__":
    main()
