"""Measure what benchmarks/README.md states: `make bench`, with the debian lineup up, on an otherwise idle machine.

Whole processes are timed from outside; the sequence is timed against one shell script with the same commands over
OpenSSH, in turn, on the same box, with the same registry.
"""

from __future__ import annotations

import shlex
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from lab.boxes.base import Box, Command
from lab.boxes.process import run_process
from lab.boxes.recording import RecordingBox
from lab.boxes.transcript import Transcript, read
from lab.buildkit.rulebook import Rulebook
from lab.engines.daemon import Daemon
from lab.engines.ensure import ensure
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.model import Progress
from lab.project import find
from lab.registry import server
from lab.run import base_image, boxfacts, sequence
from lab.run.client_login import FED
from lab.run.expectations import facts_of
from lab.run.scenarios import load_scenario
from lab.run.station import Station

BOX = "debian12-apparmor"
ENGINE = "20.10.24-unfixed"
ROUNDS = 3
STARTS = 7


def main() -> None:
    """Print every figure with its bound; exit status 1 if one is over it."""
    lab = (sys.executable, "-m", "lab")
    figures = [
        ("python -m lab --help", timed(5, lambda: program(*lab, "--help")), 0.25, "s"),
        (f"Docker {ENGINE} started and proven on a running box", engine_start(), 8.0, "s"),
        ("lab suspend; then lab up && lab repro", warm_start(lab), 75.0, "s"),
        ("sequence through lab / one script over OpenSSH", ratio(), 1.15, "times"),
    ]
    for name, value, bound, unit in figures:
        print(f"{'ok  ' if value <= bound else 'OVER'} {name}: {value:.3g} {unit} (bound {bound:g})")
    sys.exit(any(value > bound for _, value, bound, _ in figures))


def timed(rounds: int, work: Callable[[], object]) -> float:
    """The median of several rounds, in seconds."""
    values = []
    for _ in range(rounds):
        clock = time.monotonic()
        work()
        values.append(time.monotonic() - clock)
    return statistics.median(values)


def program(*argv: str) -> None:
    """Run a whole program that must succeed."""
    result = run_process(Command(argv, timeout=1800))
    if not result.ok:
        sys.exit(f"{' '.join(argv)} ended with {result.exit}\n{result.output.decode()}")


def warm_start(lab: tuple[str, ...]) -> float:
    """Seconds from suspended boxes to the default run's table."""
    program(*lab, "up", "--lineup", "debian")
    program(*lab, "suspend", "--lineup", "debian")

    def both() -> None:
        program(*lab, "up", "--lineup", "debian")
        program(*lab, "repro", "--lineup", "debian")

    return timed(1, both)


def engine_start() -> float:
    """Median seconds from nothing to a proven engine whose programs lie on the box already."""
    project = find()
    catalog = Catalog(project.boxes)
    fleet = Fleet(project, catalog, quiet)
    [ready] = fleet.up("debian", [catalog.box(BOX)], wanted=[ENGINE])
    seconds = []
    for _ in range(STARTS):
        ready.box.check(["sudo", "-n", "systemctl", "stop", Daemon(ENGINE, containerd=False).unit], doing="stop it")
        seconds.append(timed(1, lambda: ensure(ready.box, catalog.engines[ENGINE], fleet.stock, quiet)))
        print(f"  started in {seconds[-1]:.1f} s", flush=True)
    ready.box.close()
    return statistics.median(seconds)


def ratio() -> float:
    """Median of lab's time for build, push, prune, rebuild on one box over that of one shell script by OpenSSH."""
    project = find()
    catalog = Catalog(project.boxes)
    [ready] = Fleet(project, catalog, quiet).up("debian", [catalog.box(BOX)])
    with TemporaryDirectory() as folder, server.serve(None, None, quiet) as store:
        kept = Path(folder) / "transcript.jsonl"
        transcript = Transcript(kept, "bench")
        with server.doors(store, [ready.box]):
            engine = ready.engines[0]
            base = base_image.choose(None, store, ready.box, engine, quiet)
            scenario = load_scenario(project.scenarios / "copy-bust", base.reference)
            facts = boxfacts.look(ready.box, engine, "", "vagrant")
            home = PurePosixPath(ready.box.run(["printenv", "HOME"]).text)
            both = facts_of(Rulebook(project.boxes), facts, facts)
            ratios = []
            for number in range(ROUNDS):
                name = f"bench-{datetime.now(UTC):%H%M%S}-{number}"
                box = RecordingBox(ready.box, transcript)
                station = Station(box, lambda _: nullcontext(), engine, facts, home / "lab-runs" / name, store)

                def once(station: Station = station) -> None:
                    made = sequence.produce(station, scenario, f"{store.prefix}/bench:{BOX}", silent)
                    plan = scenario.expectation(None, both)
                    sequence.rebuild(station, scenario, made, plan, None, silent, both)

                before = len(read(kept)[1])
                ours = timed(1, once)
                # the same commands again, in other folders: nothing may be left of the first time
                text = commands(read(kept)[1][before:], store.client_config or b"").replace(name, f"{name}-script")
                theirs = timed(1, lambda text=text: script(ready.box, text))  # type: ignore[misc]
                ready.box.run(["rm", "-rf", str(home / "lab-runs")])
                print(f"  round {number + 1}: lab {ours:.2f} s, script {theirs:.2f} s", flush=True)
                ratios.append(ours / theirs)
        transcript.close()
    ready.box.close()
    return statistics.median(ratios)


def commands(entries: list[dict[str, Any]], login: bytes) -> str:
    """Entries of a transcript as one shell script that ends where one fails; `login` is the input of some of them."""
    lines = [
        Command(
            tuple(entry["argv"]),
            entry["env"],
            PurePosixPath(entry["cwd"]) if entry["cwd"] else None,
            entry["timeout"],
        ).line()
        + (f" <<'END'\n{login.decode()}\nEND" if any(word.endswith(FED) for word in entry["argv"]) else "")
        for entry in entries
    ]
    return "\n".join(["set -e", *lines])


def script(box: Box, text: str) -> None:
    """Run the text by one OpenSSH call, connection included."""
    program(*box.login().argv, f"sh -c {shlex.quote(text)}")


def quiet(event: Progress) -> None:
    """Nobody listens to a benchmark's progress."""


def silent(what: str) -> None:
    """Nor to a trial's."""


main()
