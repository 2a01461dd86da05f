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

from lab import base_image, registry, sequence
from lab.boxes.base import Box, Command
from lab.boxes.process import run_process
from lab.fleet import Fleet
from lab.lineups import Catalog
from lab.model import Progress
from lab.project import find
from lab.results import Production
from lab.scenarios import load_scenario
from lab.sequence import Station
from lab.transcript import RecordingBox, Transcript, read

BOX = "debian12-apparmor"
ROUNDS = 3


def main() -> None:
    """Print every figure with its bound; exit status 1 if one is over it."""
    lab = (sys.executable, "-m", "lab")
    figures = [
        ("python -m lab --help", timed(5, lambda: program(*lab, "--help")), 0.25, "s"),
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


def ratio() -> float:
    """Median of lab's time for build, push, prune, rebuild on one box over that of one shell script by OpenSSH."""
    project = find()
    catalog = Catalog(project.boxes)
    fleet = Fleet(project, catalog, quiet)
    [ready] = fleet.up("debian", [catalog.box(BOX)])
    with TemporaryDirectory() as folder, registry.serve(None, None, quiet) as store:
        transcript = Transcript(Path(folder) / "transcript.jsonl", "bench")
        box = RecordingBox(ready.box, transcript)
        with registry.doors(store, [ready.box]):
            engine = ready.engines[0]
            base = base_image.choose(None, store, ready.box, engine, quiet)
            scenario = load_scenario(project.scenarios / "copy-bust", base.reference)
            facts = sequence.look(ready.box, engine, "", "vagrant")
            home = PurePosixPath(ready.box.run(["printenv", "HOME"]).text)
            ours, theirs = [], []
            for number in range(ROUNDS):
                name = f"bench-{datetime.now(UTC):%H%M%S}-{number}"
                station = Station(box, lambda _: nullcontext(), engine, facts, home / "lab-runs" / name, False)
                made: list[Production] = []

                def once(station: Station = station, made: list[Production] = made) -> None:
                    made.append(sequence.produce(station, scenario, f"{store.prefix}/bench:{BOX}", silent))
                    sequence.rebuild(station, scenario, made[0], facts, None, silent)

                before = len(read(Path(folder) / "transcript.jsonl")[1])
                ours.append(timed(1, once))
                entries = read(Path(folder) / "transcript.jsonl")[1][before:]
                # the same commands again, in other folders: nothing may be left of the first time
                text = "set -e\n" + "\n".join(
                    Command(
                        tuple(entry["argv"]),
                        entry["env"],
                        PurePosixPath(entry["cwd"]) if entry["cwd"] else None,
                        entry["timeout"],
                    ).line()
                    for entry in entries
                ).replace(name, f"{name}-script")
                theirs.append(timed(1, lambda text=text: script(ready.box, text)))
                ready.box.run(["rm", "-rf", str(home / "lab-runs")])
                print(f"  round {number + 1}: lab {ours[-1]:.2f} s, script {theirs[-1]:.2f} s", flush=True)
        transcript.close()
    ready.box.close()
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def script(box: Box, text: str) -> None:
    """Run the text by one OpenSSH call, connection included."""
    program(*box.login().argv, f"sh -c {shlex.quote(text)}")


def quiet(event: Progress) -> None:
    """Nobody listens to a benchmark's progress."""


def silent(what: str) -> None:
    """Nor to a trial's."""


main()
