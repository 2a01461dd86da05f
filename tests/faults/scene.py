"""A fault at work: the program runs as a user runs it, and the fault strikes at a line of its progress."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

import psutil

from lab.engines import host
from lab.engines.home import Home
from tests.faults.fault import PHASES, Fault
from tests.faults.workplace import Workplace

HANGS = 300  # seconds beyond the stated limit, after which the program counts as one that hangs


@dataclass(frozen=True)
class Said:
    """What the program gave: exit code, standard output, the lines of standard error, and the seconds it took."""

    code: int
    out: str
    err: tuple[str, ...]
    seconds: float
    hung: bool = False

    @property
    def text(self) -> str:
        """All that a user sees."""
        return "\n".join([self.out, *self.err])


@dataclass
class Scene:
    """One fault in one workplace; `rng` is seeded by the suite's seed and the fault's name."""

    fault: Fault
    place: Workplace
    rng: random.Random
    process: subprocess.Popen[str] | None = None
    struck: threading.Event = field(default_factory=threading.Event)
    problem: BaseException | None = None

    def __post_init__(self) -> None:
        self.box = self.rng.choice(list(self.place.engines(self.fault.lineup)))
        self.engine = self.place.engines(self.fault.lineup)[self.box]
        self._timers: list[threading.Timer] = []

    # --- the parts that a fault strikes

    def lab(self) -> psutil.Process:
        """The program."""
        assert self.process
        return psutil.Process(self.process.pid)

    def parts_of_engine(self, *names: str) -> list[psutil.Process]:
        """The processes of the engine of the box that is hit whose programs have one of these names."""
        state = self.place.state_of(self.fault.lineup, self.box)
        found = host.processes(Home(state, self.engine))
        return [process for process in found if _name(process) in names]

    def engine_in(self, words: list[str]) -> bool:
        """True if a command line names the folder of the engine that is hit."""
        state = self.place.state_of(self.fault.lineup, self.box)
        return any(word.startswith(f"{state / 'engines' / self.engine}/") for word in words)

    def registry(self) -> psutil.Process:
        """The registry that serves the run: a child of the program."""
        found = [child for child in self.lab().children(recursive=True) if "serve" in _words(child)]
        real = [child for child in found if not _words(child)[0].startswith(sys.executable)]
        return (real or found)[-1]

    def wait_for(self, *names: str, seconds: float = 60) -> list[psutil.Process]:
        """The same as `parts_of_engine`, as soon as there is one."""
        deadline = time.monotonic() + seconds
        while not (found := self.parts_of_engine(*names)) and time.monotonic() < deadline and self.running():
            time.sleep(0.01)
        return found

    def running(self) -> bool:
        """True while the program runs."""
        return self.process is not None and self.process.poll() is None

    # --- the program

    def run(self) -> Said:
        """Run the program and let the fault strike; waits for its end."""
        self.fault.kind.prepare(self)
        words = [word.format(lineup=self.fault.lineup, box=self.box, root=self.place.root) for word in self.fault.words]
        if self.fault.phase == "before":
            self._strike()
        clock = time.monotonic()
        self.process = self.place.start(*words, cap=self.fault.cap)
        if self.fault.phase == "anywhere":
            self.after(self.rng.uniform(0, self.fault.delay), self._strike)
        assert self.process.stdout and self.process.stderr
        out, err = _Reader(self.process.stdout), _Follower(self.process.stderr, self)
        threads: tuple[_Reader | _Follower, ...] = (out, err)
        hung = False
        try:
            self.process.wait(self.fault.seconds + HANGS)
        except subprocess.TimeoutExpired:
            hung = True
            self.process.kill()
            self.process.wait()
        except BaseException:  # Ctrl-C: the clean-up of the suite may not race with a program that goes on
            self.process.kill()
            self.process.wait()
            raise
        seconds = time.monotonic() - clock
        for thread in threads:
            thread.join(5)
            if not thread.is_alive():  # a program that it left behind may keep the pipe open
                thread.stream.close()
        for timer in self._timers:
            timer.join()
        return Said(self.process.returncode, "".join(out.lines), tuple(err.told), seconds, hung)

    def heal(self) -> None:
        """Take the fault back."""
        self.fault.kind.heal(self)

    def look(self, line: str) -> None:
        """Strike if this line of the progress is the one that the fault waits for."""
        pattern = PHASES[self.fault.phase].format(box=self.box, engine=re.escape(self.engine))
        if pattern and not self.struck.is_set() and re.search(pattern, line):
            self.struck.set()
            self.after(self.rng.uniform(0, self.fault.delay), self._strike)

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Call `action` in a thread of its own, so many seconds later."""
        timer = threading.Timer(seconds, action)
        self._timers.append(timer)
        timer.start()

    def _strike(self) -> None:
        self.struck.set()
        try:
            self.fault.kind.strike(self)
        except BaseException as error:
            self.problem = error


class _Reader(threading.Thread):
    """Collects what the program prints."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(daemon=True)
        self.stream = stream
        self.lines: list[str] = []
        self.start()

    def run(self) -> None:
        for line in self.stream:
            self.lines.append(line)


class _Follower(threading.Thread):
    """Reads the progress line by line, and lets the fault look at each."""

    def __init__(self, stream: IO[str], scene: Scene) -> None:
        super().__init__(daemon=True)
        self.stream, self.scene = stream, scene
        self.told: list[str] = []
        self.start()

    def run(self) -> None:
        for line in self.stream:
            self.told.append(line.rstrip("\n"))
            self.scene.look(self.told[-1])


def send(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to these processes; one that has ended is left out."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() or [""]
    except psutil.Error:
        return [""]


def _name(process: psutil.Process) -> str:
    try:
        return process.exe().rpartition("/")[2]
    except psutil.Error:
        return ""
