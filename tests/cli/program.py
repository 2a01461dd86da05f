"""The program as a user calls it, without the time that a process takes to start: a forked child for each call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, copy_data

# Starting Python and importing Fabric and pydantic takes half a second. This process has done so once; it forks a
# child for each call, which is `python -m lab` from there on, with its own folder, environment and streams.
NURSERY = """\
import importlib, json, os, runpy, sys, traceback
for name in (
    "boxes.vagrant", "buildkit.progress.reader", "buildkit.rulebook", "cli.digest", "cli.host", "cli.machines",
    "cli.reports", "cli.runs", "explain.why", "machines.fleet", "registry.client", "report.formats", "run.experiment",
):
    importlib.import_module(f"lab.{name}")
for line in sys.stdin:
    ask = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(ask["cwd"])
        os.environ.clear()
        os.environ.update(ask["env"])
        for number, path in enumerate(ask["streams"]):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), number)
        sys.stdin = open(0, encoding="utf-8", closefd=False)
        sys.argv = ["lab", *ask["words"]]
        sys.orig_argv = ["python", "-m", "lab", *ask["words"]]
        code = 0
        try:
            runpy.run_module("lab", run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # without the tenth of a second in which Python would tidy up
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
Run = Callable[..., subprocess.CompletedProcess[str]]
# What the caller's own environment says of a terminal must not change what a test sees.
OF_TERMINALS = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TERM")


@contextmanager
def nursery() -> Iterator[subprocess.Popen[str]]:
    """The process that forks, for as long as the context."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", NURSERY]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@dataclass
class Place:
    """A folder of this test's own, in which the program is called; state and cache are in it too."""

    root: Path
    nursery: subprocess.Popen[str]
    checkout: Path | None = None  # whose boxes and templates are used, if the folder itself is no checkout
    more: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if name not in OF_TERMINALS}
        return {
            **own,
            "LAB_ROOT": str(self.checkout or self.root),
            "LAB_CACHE": str(self.root / "cache"),
            "PYTHONPATH": str(ROOT),
            "VAGRANT_HOME": str(self.root / "vagrant"),
            **self.more,
        }

    def lab(
        self, *words: str | Path, stdin: bytes = b"", cwd: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `lab` there and give back what it printed; a traceback fails the test."""
        return call(self.nursery, [str(word) for word in words], cwd or self.root, self.env | env, stdin)


def call(
    nursery: subprocess.Popen[str], words: Sequence[str], cwd: Path, env: Mapping[str, str], stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Run `lab` with these words in a forked child, and give back what it printed; a traceback fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder, name) for name in ("in", "out", "err")]
        for path, content in zip(streams, (stdin, b"", b""), strict=True):
            path.write_bytes(content)
        ask = {"words": words, "cwd": str(cwd), "env": dict(env), "streams": [str(path) for path in streams]}
        assert nursery.stdin and nursery.stdout
        nursery.stdin.write(json.dumps(ask) + "\n")
        nursery.stdin.flush()
        code = int(nursery.stdout.readline())
        out, err = (path.read_text(encoding="utf-8") for path in streams[1:])
    assert "Traceback" not in err, err
    return subprocess.CompletedProcess(words, code, out, err)


def checkout(folder: Path, nursery: subprocess.Popen[str]) -> Place:
    """A checkout of the test's own: its boxes and templates are copies."""
    return Place(copy_data(folder), nursery)


def data(done: subprocess.CompletedProcess[str]) -> Any:
    """The JSON that a call printed; it must have ended with 0."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
