"""Run the parts of the suite and print how each one ended and how long it took: `python -m tests.suite check|test`.

A part that fails does not keep the others from running. The status is 1 if any part failed, 130 after Ctrl-C.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
PROGRAMS = Path(sys.executable).parent
CODE = ("lab", "tests", "benchmarks", "templates", "setup.py")
LOOK_SECONDS = 0.2  # how often a part that writes nothing is asked whether it has ended
INTERRUPTED = 130
REASONS = 60  # lines

Say = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """A program of the suite: its name in the output, and its words."""

    name: str
    argv: tuple[str, ...]
    temporary: str = ""  # the option that takes a folder for its files


@dataclass(frozen=True)
class Ended:
    """How a part ended; `cpu` is the processor time of its processes, without daemons and virtual machines.

    `failed` has the lines that name a test that failed, and `reasons` the last lines of what those tests printed as
    their errors.
    """

    part: str
    status: int
    seconds: float
    cpu: float
    load: float
    last: str
    failed: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


Stage = tuple[tuple[Part, ...], ...]  # lanes that run side by side; the parts of a lane run one after the other


def tool(part: str, program: str, *words: str) -> Part:
    """A part that is a program of the virtual environment."""
    return Part(part, (str(PROGRAMS / program), *words))


def pytest(part: str, chosen: str, *words: str) -> Part:
    """A part that runs the tests of these markers.

    Without a temporary folder of its own, each pytest would remove the old folders of others that have ended.
    """
    argv = tool(part, "python", "-m", "pytest", "-m", chosen, "--durations=10", *words).argv
    return Part(part, argv, "--basetemp")


FORMAT = tool("format", "ruff", "format", "--check", *CODE)
LINT = tool("lint", "ruff", "check", *CODE)
IMPORTS = tool("imports", "lint-imports")
TYPES = tool("types", "mypy")
# Half of a test's time it waits for a program or a socket, so there are two workers for each core.
WORKERS = str(min(8, 2 * (os.cpu_count() or 1)))
# A test takes its whole module's fixtures with it. worksteal gives each worker neighbours, so few are made twice.
SPREAD = ("-n", WORKERS, "--dist", "worksteal")
TESTS = pytest("tests", "not vm and not slow", *SPREAD)
SETUP = tool("setup", "python", "-m", "lab", "setup")
# Two processes that need one archive cannot make it at once, and a box that both parts need is baked once.
BOXES = tool("boxes", "python", "-m", "lab", "bake")
ARCHIVED = ("20.10.24", "20.10.24-unfixed", "26.1.5", "28.5.2", "buildkit-0.25.2")
ARCHIVES = tool("archives", "python", "-m", "lab", "engines", "build", *ARCHIVED)
MACHINES = pytest("machines", "machines")
ENGINES = pytest("engines", "vm and not machines")
SLOW = pytest("slow", "slow and not vm", *SPREAD)

CHECK: Stage = ((FORMAT, LINT, IMPORTS, TYPES), (TESTS,))
SUITES: dict[str, tuple[Stage, ...]] = {
    "check": (CHECK,),
    # Virtual machines are emulated and often wait for each other, so engines of this machine run beside them.
    "test": (((SETUP,),), CHECK, ((BOXES,), (ARCHIVES,)), ((MACHINES, SLOW), (ENGINES,))),
}


def chunks(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """What a process writes until it has ended. A daemon that has inherited its output is not awaited."""
    assert process.stdout
    source, ended = process.stdout.fileno(), False
    while True:
        if select.select([source], [], [], 0 if ended else LOOK_SECONDS)[0]:
            if not (chunk := os.read(source, 1 << 16)):
                return
            yield chunk
        elif ended:
            return
        else:
            ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


class Suite:
    """Runs stages; a line of output gets the name of its part in front."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.stopping = threading.Event()
        self.ended: list[Ended] = []

    def run(self, stages: Sequence[Stage]) -> int:
        """Run everything; the status for the shell."""
        start = time.monotonic()
        try:
            for stage in stages:
                self.stage(stage)
        except KeyboardInterrupt:
            self.stopping.set()  # it may come between two waits for a job
        self.say(self.table(time.monotonic() - start))
        if self.stopping.is_set():
            return INTERRUPTED
        return int(any(item.status for item in self.ended))

    def stage(self, stage: Stage) -> None:
        """Run the lanes of a stage side by side; after Ctrl-C wait for what runs, and start nothing more."""
        with ThreadPoolExecutor(len(stage)) as pool:
            jobs = [pool.submit(self.lane, lane) for lane in stage]
            try:
                for job in jobs:
                    job.result()
            except KeyboardInterrupt:
                self.stopping.set()
                raise

    def lane(self, parts: Sequence[Part]) -> None:
        """Run parts one after the other."""
        for part in parts:
            if self.stopping.is_set():
                return
            ended = self.part(part)
            self.ended.append(ended)
            if ended.status == -signal.SIGINT:  # Ctrl-C ends the part too, perhaps before this process has seen it
                self.stopping.set()

    def part(self, part: Part) -> Ended:
        """Run one part with a temporary folder of its own."""
        if not part.temporary:
            return self.program(part, part.argv)
        folder = tempfile.mkdtemp(prefix="lab-suite-")
        try:
            return self.program(part, (*part.argv, f"{part.temporary}={folder}/{part.name}"))
        finally:
            # what a killed test left mounted may be somebody else's folder
            if mounts := [item.mountpoint for item in psutil.disk_partitions(all=True) if folder in item.mountpoint]:
                self.say(f"{part.name:8} | {folder} is not removed: something is mounted on {', '.join(mounts)}")
            else:
                # rm takes a third of the time of shutil.rmtree for the thousands of folders
                subprocess.run(["rm", "-rf", "--one-file-system", folder], check=False)

    def program(self, part: Part, argv: Sequence[str]) -> Ended:
        """Run the program of a part, and pass its lines on as they come."""
        start, last, rest, failed = time.monotonic(), "", b"", []
        reasons: deque[str] = deque(maxlen=REASONS)
        with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            for chunk in chunks(process):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    text = line.decode("utf-8", "replace")
                    self.say(f"{part.name:8} | {text}")
                    last = text.strip("= ") or last
                    failed += [text] * text.startswith(("FAILED ", "ERROR "))
                    reasons.extend([text] * (text.startswith("E  ") and len(text.split()) > 1))
            _, status, used = os.wait4(process.pid, 0)  # Popen.wait gives no processor time
            process.returncode = os.waitstatus_to_exitcode(status)
        cpu, load = used.ru_utime + used.ru_stime, os.getloadavg()[0]
        seconds = time.monotonic() - start
        return Ended(part.name, process.returncode, seconds, cpu, load, last, tuple(failed), tuple(reasons))

    def table(self, seconds: float) -> str:
        """The parts in the order in which they ended, with their last lines, and the tests that failed.

        What failed tests printed comes after the table: where only the end of a long output is kept, it is there.
        """
        rows = [f"\n{'part':8}  {'result':11}  {'seconds':>7}  {'CPU s':>6}  {'load':>4}  last line"]
        for item in self.ended:
            result = "passed" if item.status == 0 else f"FAILED ({item.status})"
            figures = f"{item.seconds:7.0f}  {item.cpu:6.0f}  {item.load:4.1f}"
            rows.append(f"{item.part:8}  {result:11}  {figures}  {item.last}")
        rows += [f"{item.part:8}  {line}" for item in self.ended for line in (*item.reasons, *item.failed)]
        return "\n".join([*rows, f"all parts: {seconds:.0f} s"])


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(Suite(say).run(SUITES[sys.argv[1]]))
