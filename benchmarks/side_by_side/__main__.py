"""Measure lab beside other programs in one go: `python -m benchmarks.side_by_side --output docs/performance.md`.

As root, because each host is a network namespace. With --boxes also the sequence on the two virtual machines of the
lineup `debian`.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.side_by_side.contestant import Contestant, Setting
from benchmarks.side_by_side.page import Conditions, Table, page, verdicts
from benchmarks.side_by_side.places import Place, loopback, machines
from benchmarks.side_by_side.rounds import Row, measure, start_alone
from benchmarks.side_by_side.table import CONTESTANTS, FLOOR, LAB
from benchmarks.side_by_side.venv import Venv
from benchmarks.side_by_side.workload import TRIVIAL, Workload, trivial
from lab import __version__, files

ROUNDS = 3
INSIDE = "of this, the sequence alone"  # in a run of lab
REPEATS = 10  # of each trial in the last workload, where what a run costs but once counts for less


def main() -> None:
    """Print each round and the tables; exit status 1 if a target is not met."""
    wish = wishes()
    venv = Venv(wish.venv)
    contestants = [one for one in CONTESTANTS if one in (FLOOR, LAB) or not wish.only or one.name in wish.only]
    broken = venv.install(contestants)
    begin, tables = os.getloadavg()[0], list[Table]()
    commands: list[int] = []
    with TemporaryDirectory(prefix="lab-side-") as folder:
        for place in places(Path(folder), boxes=wish.boxes):
            found, counts = tables_of(place, contestants, wish.rounds, venv, broken)
            tables += found
            commands = commands or counts
    conditions = Conditions(
        f"{datetime.now(UTC):%Y-%m-%d}",
        f"{counted_cores()}, {platform.system()} {platform.release()}, Python {platform.python_version()}",
        (begin, os.getloadavg()[0]),
        wish.rounds,
        versions(venv, contestants),
        start_alone(wish.rounds),
    )
    text = page(tables, conditions, TRIVIAL, commands)
    print(text)
    if wish.output:
        files.write(wish.output, text.encode())
    sys.exit(any("**" in line for table in tables for line in verdicts(table)))


def wishes() -> argparse.Namespace:
    """What the caller asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.side_by_side", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--output", type=Path, help="write the page to this file")
    parser.add_argument("--boxes", action="store_true", help="measure on the virtual machines of the lineup debian too")
    parser.add_argument("--only", action="append", metavar="CONTESTANT", help="beside lab and the floor, only this one")
    parser.add_argument("--venv", type=Path, default=Path("build/side-by-side-venv").absolute())
    return parser.parse_args()


def places(folder: Path, *, boxes: bool) -> Iterator[Place]:
    """The places one after the other; each is closed before the next one opens."""
    with loopback(folder) as place:
        yield place
    if boxes:
        with machines() as place:
            yield place


def tables_of(
    place: Place, contestants: Sequence[Contestant], rounds: int, venv: Venv, broken: dict[str, str]
) -> tuple[list[Table], list[int]]:
    """The tables of all workloads on one place, and the number of commands of those that `lab repro` performs."""

    def setting(made: Place, folder: Path) -> Setting:
        return Setting(made.targets, folder, venv.programs, made.repro)

    tables, commands, often = [], [], place.repeated(REPEATS)
    asked: list[tuple[Place, Callable[[], Workload]]] = [(place, place.recorded)]
    if not place.emulated:  # there, each rebuild takes seconds, and every program waits for the boxes alone
        asked = [(place, partial(trivial, place.targets)), *asked, (often, often.recorded)]
    for made, ask in asked:
        workload = ask()
        print(f"{workload.name}: {workload.commands} commands on {place.title}", flush=True)
        commands += [workload.commands] if workload.repro else []
        with work_folder() as folder:
            rows = measure(contestants, workload, rounds, partial(setting, made), folder, place.served, broken, say)
        inside = Row(INSIDE, made.inside(rounds)) if workload.repro else None
        title = f"{workload.name}, on virtual machines" if place.emulated else workload.name
        tables.append(Table(title, place.title, rows, LAB.name, inside))
    return tables, commands


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder with a short name: a socket of OpenSSH in it must not have a long path."""
    with TemporaryDirectory(prefix="sbs-") as folder:
        yield Path(folder)


def versions(venv: Venv, contestants: Sequence[Contestant]) -> list[str]:
    """The versions of lab and of the contestants' packages."""
    found = venv.versions()
    names = dict.fromkeys(name for one in contestants for name in one.packages)
    return [f"lab {__version__}", *(f"{name} {found[name]}" for name in names if name in found)]


def counted_cores() -> str:
    """The machine in words."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores and {memory:.0f} GiB of memory"


def say(text: str) -> None:
    """Print one line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
