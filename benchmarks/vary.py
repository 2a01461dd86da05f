"""Measure `lab vary` on one engine of this machine, as benchmarks/README.md states: as root, with nothing else to do.

A project of 40 files is varied in 25 axes: with remedies, without, and with every axis built. Each
is a whole process, timed from outside, with the start of its engines.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.run.vary.table import AXES

COUNT = 25
LONGEST = 90.0  # seconds
DOCKERFILE = """\
FROM alpine
ARG VERSION=1
ENV A=1
ENV B=2
RUN echo one > /one
COPY src /src
RUN echo two > /two
COPY . /app
RUN echo $VERSION > /three
"""


def main() -> None:
    """Print each duration; exit status 1 if the first one is longer than it may be."""
    axes = ",".join(axis.name for axis in AXES[:COUNT])
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with TemporaryDirectory() as folder:
        make_project(Path(folder))
        whole = timed(folder, "--axis", axes)
        print(f"  {COUNT} axes with remedies {whole:.0f} s, at most {LONGEST:.0f} s")
        for name, words in (("without remedies", ()), ("each built, without remedies", ("--all",))):
            print(f"  {COUNT} axes {name} {timed(folder, '--axis', axes, '--no-remedies', *words):.0f} s")
    sys.exit(whole > LONGEST)


def make_project(folder: Path) -> None:
    """Make files in two folders, and the Dockerfile."""
    (folder / "Dockerfile").write_text(DOCKERFILE)
    for part in ("src", "lib"):
        (folder / part).mkdir()
        for number in range(20):
            (folder / part / f"{number}.txt").write_text(f"{part} {number}\n" * 50)


def timed(folder: str, *words: str) -> float:
    """Run `lab vary` as a process of its own; its seconds."""
    argv = [sys.executable, "-m", "lab", "vary", "--context", folder, "--base", "busybox", "--lineup", "local"]
    started = time.monotonic()
    argv += ["--engine", "20.10.24", "--json", *words]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    seconds = time.monotonic() - started
    found = json.loads(done.stdout)["vary"]
    if found["problem"] or found["contradicted"] or len(found["axes"]) != COUNT:
        sys.exit(f"the run proves nothing: {found['problem']}, contradicted {found['contradicted']}")
    return seconds


if __name__ == "__main__":
    main()
