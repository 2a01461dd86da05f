"""Measure a pack of the default lineups: its size, how long it takes, and how fast one machine serves it to many.

It needs the boxes and engines in the cache (or builds them first), this machine's mirror, and 2 GB of disk.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lab.machines.pack.sources import open_source
from lab.workers import each, raise_first

LAB = (sys.executable, "-m", "lab")
BOUND = 2.5e9
CLIENTS = 8


def main() -> None:
    """Print every figure with its bound; exit status 1 if the pack is larger than its bound."""
    with TemporaryDirectory(prefix="lab-bench-") as folder:
        place = Path(folder) / "pack"
        first, seconds = packed(place)
        print(
            f"{'ok  ' if first['bytes'] <= BOUND else 'OVER'} size: {first['bytes'] / 1e9:.2f} GB (bound {BOUND / 1e9})"
        )
        for name, row in first["sorts"].items():
            print(f"       {name}: {row['files']} files, {row['bytes'] / 1e6:.1f} MB")
        again, repeated = packed(place)
        print(f"     first run: {seconds:.0f} s; second run: {repeated:.0f} s, copied {again['copied_bytes']} bytes")
        with serving(place) as url:
            rate = download(url, Path(folder))
        print(f"     {CLIENTS} clients at once, with sums: {rate / 1e6:.0f} MB/s in all")
    sys.exit(first["bytes"] > BOUND)


def packed(folder: Path) -> tuple[Any, float]:
    """What `lab pack --json` prints, and its duration in seconds."""
    clock = time.monotonic()
    done = subprocess.run([*LAB, "pack", str(folder), "--json"], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout), time.monotonic() - clock


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a server of the pack."""
    argv = [*LAB, "serve", str(folder), "--port", "0"]
    with subprocess.Popen(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def download(url: str, folder: Path) -> float:
    """Bytes a second that all clients together receive, store and check; each fetches the engines."""

    def fetch(name: str) -> int:
        source = open_source(url, folder / name)
        entries = [entry for entry in source.manifest.files if entry.path.startswith("engines/")]
        source.get(entries, lambda event: None)
        return sum(entry.size for entry in entries)

    clock = time.monotonic()
    sizes, errors = each([f"client-{number}" for number in range(CLIENTS)], fetch)
    raise_first(errors)
    return sum(sizes.values()) / (time.monotonic() - clock)


if __name__ == "__main__":
    main()
