"""Measure distributed runs: `python -m benchmarks.spreading [CELLS..]`, by default 100, 1,000 and 10,000 cells.

Each size is one run through a real Dask scheduler in a process of its own, with four worker processes on this machine
whose boxes replay recorded answers at once. What is left is what distributing costs: the scheduler, the transport, and
the client that judges, predicts and stores. The registry is an address at which nothing answers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from lab.__main__ import collect_less
from lab.results.run import Repetition
from lab.run.course import Course
from lab.run.distributed.experiment import Spread, perform
from tests.conftest import ROOT
from tests.run.distributed.replaying import STORE, ready
from tests.run.distributed.workplace import project, quiet, wish

SIZES = (100, 1_000, 10_000)
WORKERS, BOXES = 4, 10  # each worker owns some of the boxes, each of which rebuilds the image of each
SCHEDULER = """
import asyncio, sys
from distributed import Scheduler
async def main():
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False, dashboard_address="127.0.0.1:0") as made:
        print(made.address, flush=True)
        await made.finished()
asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run cost: seconds by the clock, seconds of processor and MiB of memory of each part, MB of its folder."""

    cells: int
    clock: float
    client: float
    scheduler: float
    workers: float
    client_mib: float
    scheduler_mib: float
    folder_mb: float

    def row(self) -> str:
        """A row of a Markdown table; what is stated for each cell is in milliseconds."""
        each = (1000 * value / self.cells for value in (self.clock, self.client, self.scheduler, self.workers))
        words = [f"{self.cells:,}", f"{self.clock:.1f} s", *(f"{value:.1f} ms" for value in each)]
        words += [f"{self.client_mib:.0f} MiB", f"{self.scheduler_mib:.0f} MiB", f"{self.folder_mb:.1f} MB"]
        return f"| {' | '.join(words)} |"


HEAD = (
    "| cells | clock | clock / cell | client / cell | scheduler / cell | workers / cell | client | scheduler | folder |"
)


def main() -> None:
    """Print a table with a row for each size, and the same as JSON."""
    collect_less()  # as the program does
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    found = [measured(cells) for cells in sizes]
    lines = [HEAD, "|" + "---|" * 9, *(item.row() for item in found)]
    print("\n".join([*lines, "", json.dumps([asdict(item) for item in found])]))


def measured(cells: int) -> Figures:
    """Make one run of about so many cells: each box rebuilds the image of each, again and again."""
    with TemporaryDirectory() as place, ExitStack() as stack:
        root = Path(place)
        scheduler = started(stack, "-c", SCHEDULER)
        address = line_of(scheduler)
        names = [f"box{number}" for number in range(BOXES)]
        children = [
            started(stack, "-m", "tests.run.distributed.worker", address, str(root / str(number)), "0", *own)
            for number, own in enumerate(names[first::WORKERS] for first in range(WORKERS))
        ]
        for child in children:
            line_of(child)
        where = project(root / "client")
        course = Course(Repetition(times=max(1, cells // BOXES**2)))
        parts = [psutil.Process(), psutil.Process(scheduler.pid), *(psutil.Process(child.pid) for child in children)]
        before, clock = [seconds_of(part) for part in parts], time.monotonic()
        asked = wish(where, course=course)
        folder, run = perform(
            Spread(address, 600.0), asked, [ready(name) for name in names], where, quiet(), registry=STORE
        )
        clock = time.monotonic() - clock
        used = [seconds_of(part) - start for part, start in zip(parts, before, strict=True)]
        if not run.complete or any(trial.problem for trial in run.trials):
            raise SystemExit("a cell of the run is broken")
        size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
        memory = [part.memory_info().rss / 2**20 for part in parts]
        return Figures(len(run.trials), clock, used[0], used[1], sum(used[2:]), memory[0], memory[1], size)


def started(stack: ExitStack, *words: str) -> subprocess.Popen[str]:
    """Start a Python program that ends with the stack."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )

    def end() -> None:
        child.send_signal(signal.SIGKILL)
        child.communicate()

    stack.callback(end)
    return child


def line_of(child: subprocess.Popen[str]) -> str:
    """The first line that a program prints, once it serves."""
    assert child.stdout
    return child.stdout.readline().strip()


def seconds_of(part: psutil.Process) -> float:
    """Seconds of the processor that a process has used."""
    times = part.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
