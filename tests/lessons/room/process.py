"""`lab lesson serve` as a process of its own with a terminal as its standard input."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.conftest import HANGS, ROOT
from tests.lessons.room.conftest import Client


@dataclass
class Serving:
    """The process, the keys of its terminal, and what it printed as JSON."""

    process: subprocess.Popen[str]
    keys: int
    printed: dict[str, Any]

    def student(self) -> Client:
        client = self._client()
        assert client.post("/join", code=self.printed["code"]).status == 303
        return client

    def teacher(self) -> Client:
        client, address = self._client(), urlsplit(self.printed["teacher"])
        assert client.get(f"{address.path}?{address.query}").status == 303
        return client

    def _client(self) -> Client:
        return Client(urlsplit(self.printed["urls"][0]).port or 0)

    def enter(self) -> None:
        os.write(self.keys, b"\n")

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str]:
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=HANGS)
        return self.process.returncode, err


@contextmanager
def serving(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> Iterator[Serving]:
    """The verb on a free port, with a terminal as its standard input."""
    keys, terminal = pty.openpty()
    argv = [sys.executable, "-m", "lab", "lesson", "serve", *words, "--port", "0", "--json"]
    env = env or {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        argv, cwd=folder, env=env, text=True, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        os.close(terminal)
        assert process.stdout
        try:
            text = ""
            while not text.rstrip().endswith("}"):
                line = process.stdout.readline()
                assert line, process.communicate()[1]
                text += line
            yield Serving(process, keys, json.loads(text))
        finally:
            process.kill()
            os.close(keys)
