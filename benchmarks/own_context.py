"""Measure `lab repro --context` against one shell script with the same docker commands, on an engine of this machine.

The project has 5,000 files of 200 MB in all. Both sides run on the same engine, in turn: lab's whole run, then a script
that copies the project with `cp -a` for each side, runs the docker commands of that run, and removes the copies, as lab
does. Other work on the machine changes the times of both, so the processor time is stated too: that of this process,
of the programs that it started, and of the engine's daemons.
"""

from __future__ import annotations

import os
import random
import resource
import shlex
import shutil
import statistics
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import psutil

from lab.boxes.base import Command
from lab.boxes.process import run_process
from lab.boxes.transcript import exchanges
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.machines.ready import Ready
from lab.model import Exchange, Progress
from lab.project import Project, find
from lab.registry import server
from lab.report import docker
from lab.run.client_login import ALONE, logged_in
from lab.run.experiment import perform
from lab.run.own_project.project import OwnProject, read_project
from lab.run.own_project.request import Request
from lab.run.wish import Wish

ENGINE = "26.1.5"
FILES, BYTES = 5_000, 200_000_000
DAEMONS = ("dockerd", "containerd")
ROUNDS = 5
BOUND = 1.1
DOCKERFILE = """\
FROM any
COPY package /package
RUN install
COPY . .
RUN build
"""


def main() -> None:
    """Print the figures, the first with its bound; exit status 1 if it is over it."""
    with TemporaryDirectory(prefix="lab-bench-") as folder:
        print(f"  making {FILES:,} files of {BYTES / 1e6:.0f} MB", flush=True)
        request = Request(made(Path(folder) / "project"), bases={"*": "busybox"}, stub_runs=True)
        value, processor = ratios(request, Path(folder))
    print(f"    processor time of lab / of the script: {processor:.3f} times")
    print(f"{'ok  ' if value <= BOUND else 'OVER'} lab / one shell script: {value:.3f} times (bound {BOUND:g})")
    sys.exit(value > BOUND)


def made(folder: Path) -> Path:
    """A project with files of many sizes in a hundred folders; half of their bytes can be compressed."""
    dice = random.Random(13)
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "package").write_text("one\n")
    weights = [dice.paretovariate(1.2) for _ in range(FILES)]
    for number, weight in enumerate(weights):
        place = folder / f"d{number % 100}"
        place.mkdir(exist_ok=True)
        size = int(BYTES * weight / sum(weights))
        (place / f"f{number}").write_bytes(dice.randbytes(size // 2) + b"x" * (size - size // 2))
    return folder


def ratios(request: Request, place: Path) -> tuple[float, float]:
    """The medians of lab's time over that of the script, and of lab's processor time over that of the script."""
    project = find()
    catalog = Catalog(project.boxes)
    fleet = Fleet(project, catalog, quiet)
    try:
        [ready] = fleet.up("local", [catalog.box("local")], wanted=[ENGINE])
        clocks, loads = [], []
        for number in range(ROUNDS):
            load, clock = processor_seconds(ready), time.monotonic()
            own = read_project(request)
            folder, base = run(own, ready, project)
            ours, our_load = time.monotonic() - clock, processor_seconds(ready) - load
            commands = exchanges((folder / "transcript.jsonl").read_bytes(), "the run")
            text = script(own, base, commands, place / "script")
            with (
                server.serve(None, None, quiet, store=project.state, boxes=[ready.box]) as store,
                logged_in(ready.box, store) as env,
            ):
                shell("\n".join(map(line, base_commands(commands, env))))
                load, clock = processor_seconds(ready), time.monotonic()
                login = f"LOGIN={shlex.quote(env['DOCKER_CONFIG'])}"
                shell(f"{login}\n{text}\nrm -rf {shlex.quote(str(place / 'script'))}")
                theirs, their_load = time.monotonic() - clock, processor_seconds(ready) - load
            shutil.rmtree(folder)
            print(
                f"  round {number + 1}: lab {ours:.2f} s, script {theirs:.2f} s: {ours / theirs:.3f}; "
                f"processor {our_load:.2f} s, {their_load:.2f} s: {our_load / their_load:.3f}",
                flush=True,
            )
            clocks.append(ours / theirs)
            loads.append(our_load / their_load)
        return statistics.median(clocks), statistics.median(loads)
    finally:
        fleet.release_private()


def processor_seconds(ready: Ready) -> float:
    """The processor time until now of this process, of its programs, and of the daemons of the engine."""
    place = ready.engines[0].docker[-1].removeprefix("unix://").rpartition("/")[0]  # of the daemon's socket
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total = sum(item.ru_utime + item.ru_stime for item in own)
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name() in DAEMONS and any(place in word for word in process.cmdline()):
                times = process.cpu_times()
                total += times.user + times.system
    return total


def shell(text: str) -> None:
    """Run a script that must succeed."""
    done = run_process(Command(("sh", "-c", f"set -e\n{text}"), timeout=3600))
    if not done.ok:
        sys.exit(f"the script ended with {done.exit}\n{done.output.decode()}")


def run(own: OwnProject, ready: Ready, project: Project) -> tuple[Path, str]:
    """One run of the project: its folder, and the reference of the base image."""
    wish = Wish("local", Path(), consumer_engines=(ENGINE,), project=own)
    folder, made = perform(wish, [ready], project, quiet)
    if not made.as_expected:
        sys.exit(f"the run is not as expected: {[trial.problem or trial.verdict for trial in made.trials]}")
    return folder, made.base.reference if made.base else ""


def script(own: OwnProject, base: str, commands: tuple[Exchange, ...], place: Path) -> str:
    """The docker commands of a run as one script; each context is a copy of the project."""
    lines = []
    moved: dict[str, Path] = {}
    for item in commands:
        if docker.verb(item.argv) not in ("build", "push", "system prune") or item.about == "base":
            continue
        if item.cwd and item.cwd not in moved:
            moved[item.cwd] = side = place / str(len(moved))
            (side / "recipe").mkdir(parents=True)
            (side / "config").mkdir()
            (side / "recipe/Dockerfile").write_text(own.dockerfile(base))
            plugins = Path(item.cwd).parent / "config" / "cli-plugins"
            lines.append(f"cp -a {shlex.quote(str(own.folder))} {side}/context")
            lines += [f"ln -s {shlex.quote(target_of(commands, plugins))} {side}/config/cli-plugins"]
            lines += [f'cp "$LOGIN/config.json" {side}/config/']
        lines.append(line(item, moved[item.cwd] if item.cwd else None))
    return "\n".join(lines)


def base_commands(commands: tuple[Exchange, ...], env: Mapping[str, str]) -> list[Exchange]:
    """The commands that made the base image, with another login; those that made and removed the run's are left out."""
    made = [item for item in commands if item.about == "base" and ALONE not in item.argv and item.argv[0] != "rm"]
    return [replace(item, env={**item.env, **(env if "DOCKER_CONFIG" in item.env else {})}) for item in made]


def line(item: Exchange, side: Path | None = None) -> str:
    """A command of the run for a shell, in the folder of a side if it has one."""
    env = {**item.env, **({"DOCKER_CONFIG": str(side / "config")} if side else {})}
    return f"({Command(item.argv, env, PurePosixPath(side / 'context') if side else None).line()})"


def target_of(commands: tuple[Exchange, ...], link: Path) -> str:
    """What a link that the run made leads to."""
    return next(item.argv[2] for item in commands if item.argv[:1] == ("ln",) and item.argv[3] == os.fspath(link))


def quiet(event: Progress) -> None:
    """Nobody listens to a benchmark's progress."""


main()
