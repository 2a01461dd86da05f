"""Measure what each more host costs a run: `python -m benchmarks.wide [HOSTS..]`, by default 2, 8, 16, 32 and 64.

As root. One host has a real engine and produces the image. The others are consumers behind ssh, each in a network
namespace, whose `docker` repeats the answers of that engine, so that no figure contains a build.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.wide.hosts import Quiet, quiet_hosts
from lab.engines.client import ASK
from lab.engines.home import Home
from lab.project import find
from lab.report import bundle, docker
from lab.results.run import find as find_run
from lab.results.run import load
from tests.faults.hosts import Host
from tests.faults.hosts import hosts as real_hosts
from tests.faults.workplace import FIXED, Workplace

SIZES = (2, 8, 16, 32, 64)
ROUNDS = 3
PRODUCER = "east"
BETWEEN, FLAT = (8, 64), 1.2  # the sizes that are compared, and how much more a host may cost at the larger one
FIELDS = ("clock", "cpu", "memory")
MOST = 300  # MiB of memory of lab's process


@dataclass(frozen=True)
class Figures:
    """Hosts, seconds of the clock and of lab's processor time, and MiB of its memory at most; medians of the rounds."""

    hosts: int
    clock: float
    cpu: float
    memory: float

    def more(self, fewest: Figures) -> float:
        """The seconds of processor time for each host more than the fewest: what a run costs but once is not in it."""
        return (self.cpu - fewest.cpu) / (self.hosts - fewest.hosts)


def main(sizes: Sequence[int]) -> int:
    """Print a line for each size, and whether the bounds hold; the status for the shell."""
    cache = find().cache
    with tempfile.TemporaryDirectory(prefix="wide-") as folder:
        root, place = Path(folder), Workplace(Path(folder) / "place", cache)
        try:
            with real_hosts(root, cache, place) as real:
                answers = recorded(place, real[PRODUCER])
                with quiet_hosts(root / "quiet", max(sizes), answers) as quiet:
                    found = measured(place, real[PRODUCER], quiet, sizes)
        finally:
            place.call("down")
            place.remove()
    return judged(found)


def recorded(place: Workplace, real: Host) -> dict[str, str]:
    """What the engine of the producer answers, from a run on it alone."""
    call(place, real, [])
    home = Home(real.place.state, FIXED)
    stated = subprocess.run([*home.client, *ASK], check=True, capture_output=True, text=True).stdout
    evidence = bundle.evidence_of(find_run(place.project.results, None))
    [facts] = evidence.run.boxes
    [build] = [item for item in evidence.exchanges if docker.builds(item.argv) and docker.imports(item.argv)]
    return {"format": stated, "version": facts.version, "info": facts.info, "build": build.stderr.decode()}


def call(place: Workplace, real: Host, quiet: Sequence[Quiet]) -> Figures:
    """Make one run of these hosts, whose trials must all be made."""
    texts = {real.name: real.text(), **{item.name: item.text() for item in quiet}}
    place.lineup("wide", texts)
    names = [item.name for item in quiet] or [real.name]
    consumers = [word for name in names for word in ("--consumer", name)]
    words = ["repro", "copy-bust", "--lineup", "wide", "--allow-prune", "--producer", PRODUCER, *consumers]
    start = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "lab", *words],
        env={**os.environ, **place.environment()},
        cwd=place.project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout
        text = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    clock = time.monotonic() - start
    trials = load(find_run(place.project.results, None)).trials
    if process.returncode or len(trials) != max(1, len(quiet)):
        raise SystemExit(f"lab repro ended with {process.returncode} and {len(trials)} trials: {text.decode()}")
    return Figures(len(quiet), clock, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def measured(place: Workplace, real: Host, quiet: Sequence[Quiet], sizes: Sequence[int]) -> list[Figures]:
    """The medians of each size, in order; the rounds of the sizes take turns."""
    made: dict[int, list[Figures]] = {size: [] for size in sorted(sizes)}
    for _ in range(ROUNDS):
        for size, found in made.items():
            found.append(call(place, real, quiet[:size]))
            print(line(found[-1]), flush=True)
    return [median(found) for found in made.values()]


def median(found: Sequence[Figures]) -> Figures:
    """The median of each figure."""
    clock, cpu, memory = (statistics.median(getattr(item, name) for item in found) for name in FIELDS)
    return Figures(found[0].hosts, clock, cpu, memory)


def line(found: Figures) -> str:
    """One run in words."""
    lab = f"lab {found.cpu:6.2f} s of processor time, {found.memory:4.0f} MiB"
    return f"{found.hosts:3} hosts: {found.clock:6.1f} s, {lab}"


def judged(found: Sequence[Figures]) -> int:
    """Print the medians and whether the bounds hold; 1 if one does not, 0 also where a compared size was not made."""
    print(f"medians of {ROUNDS} rounds")
    for item in found:
        more = f", {1000 * item.more(found[0]):.0f} ms for each more host" if item is not found[0] else ""
        print(line(item) + more)
    by_size = {item.hosts: item for item in found[1:]}
    if not all(size in by_size for size in BETWEEN):
        return 0
    few, many = (by_size[size].more(found[0]) for size in BETWEEN)
    memory = by_size[BETWEEN[1]].memory
    print(f"one more host at {BETWEEN[1]} costs {many / few:.2f} times one at {BETWEEN[0]} (bound {FLAT:g})")
    print(f"memory: {memory:.0f} MiB (bound {MOST})")
    return int(many / few > FLAT or memory > MOST)


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]] or SIZES))
