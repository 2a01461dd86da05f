"""Processes that are killed, ended or frozen: those of an engine, the registry, the program itself."""

from __future__ import annotations

import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from lab.engines.home import Home
from tests.faults.fault import Kind
from tests.faults.scene import Scene, send

STEP = b"/bin/sh\0-c\0/bin/busybox sleep"  # how the kernel shows the RUN of the scenario


@dataclass(frozen=True)
class Signalled(Kind):
    """A signal to processes; after SIGSTOP they go on `thaw` seconds later, or only when the fault is taken back."""

    number: signal.Signals
    thaw: float | None = None

    def processes(self, scene: Scene) -> list[psutil.Process]:
        """Those that get it."""
        raise NotImplementedError

    def strike(self, scene: Scene) -> None:
        """Send it."""
        found = self.processes(scene)
        assert found or not scene.running(), "there is no such process"
        send(found, self.number)
        if self.number is signal.SIGSTOP and self.thaw is not None:
            scene.after(self.thaw, lambda: send(found, signal.SIGCONT))


@dataclass(frozen=True)
class InEngine(Signalled):
    """To the programs of these names of the engine that is hit, as soon as there is one."""

    names: tuple[str, ...] = ("dockerd",)

    def processes(self, scene: Scene) -> list[psutil.Process]:
        """Those of the engine."""
        return scene.wait_for(*self.names)


@dataclass(frozen=True)
class InStep(Signalled):
    """To the shell of a RUN, as soon as it runs."""

    def processes(self, scene: Scene) -> list[psutil.Process]:
        """The shell of the build on the engine that is hit: the kernel shows in which control group it is."""
        group = Home(scene.place.state_of(scene.fault.lineup, scene.box), scene.engine).cgroup
        while scene.running():
            for folder in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    if STEP in (folder / "cmdline").read_bytes() and f"/{group}/" in (folder / "cgroup").read_text():
                        return [psutil.Process(int(folder.name))]
        return []


@dataclass(frozen=True)
class Client(Signalled):
    """To Docker's client that the program has started for a build."""

    def processes(self, scene: Scene) -> list[psutil.Process]:
        """The client."""
        found: list[psutil.Process] = []
        while scene.running() and not found:
            words = {child.pid: _words(child) for child in _below(scene.lab())}
            mine = [pid for pid, line in words.items() if "build" in line and scene.engine_in(line)]
            found = [psutil.Process(pid) for pid in mine]
        return found


@dataclass(frozen=True)
class OfRegistry(Signalled):
    """To the registry."""

    def processes(self, scene: Scene) -> list[psutil.Process]:
        """The registry's one."""
        return [scene.registry()]


@dataclass(frozen=True)
class OfProgram(Signalled):
    """To the program itself; `first` is a command line that is run before it."""

    first: tuple[str, ...] = ()

    def prepare(self, scene: Scene) -> None:
        """Make what the program then works on."""
        if self.first:
            code, text = scene.place.call(*self.first)
            assert code == 0, text

    def processes(self, scene: Scene) -> list[psutil.Process]:
        """The program's one, if it has not ended yet."""
        return [scene.lab()] if scene.running() else []


@dataclass(frozen=True)
class Nothing(Kind):
    """No registry program answers: one that ends at once is first in the program's PATH."""

    def prepare(self, scene: Scene) -> None:
        """Put it there."""
        program = scene.place.bin / "docker-registry"
        program.write_text("#!/bin/sh\necho 'panic: no configuration' >&2\nexit 2\n")
        program.chmod(0o755)

    def strike(self, scene: Scene) -> None:
        """It is there already."""

    def heal(self, scene: Scene) -> None:
        """Take it away."""
        (scene.place.bin / "docker-registry").unlink(missing_ok=True)


def _below(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
