"""What happens to a virtual machine: it is killed, frozen, slowed or cut off, or Vagrant or libvirt is ended."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from lab.boxes.local import LocalBox
from lab.machines import daemons, hypervisor
from lab.model import Progress
from tests.faults import guests
from tests.faults.fault import Kind, NotMade
from tests.faults.scene import Scene, send

UP = ("up", "--lineup", "vm")
DOWN = ("down",)
STOPPED_SECONDS, RUNNING_SECONDS = 0.3, 0.1  # of each pulse of a slowed machine


@dataclass(frozen=True)
class OfGuest(Kind):
    """A fault of the machine of the lineup `vm`; `first` is the command line that is run before the program."""

    first: tuple[str, ...] = UP

    def prepare(self, scene: Scene) -> None:
        """Bring the machine up or remove it; one that is up is left as it is."""
        code, text = scene.place.call(*self.first)
        assert code == 0, text

    def domain(self, scene: Scene) -> str:
        """Its name in libvirt."""
        return guests.domain(scene.place, scene.box)


@dataclass(frozen=True)
class Killed(OfGuest):
    """The machine ends at once, as by a power cut."""

    def strike(self, scene: Scene) -> None:
        """End it."""
        guests.virsh("destroy", self.domain(scene))


@dataclass(frozen=True)
class Frozen(OfGuest):
    """The machine stands still: for some seconds, or until the fault is taken back."""

    seconds: float | None = None

    def strike(self, scene: Scene) -> None:
        """Stop its processors."""
        guests.virsh("suspend", self.domain(scene))
        if self.seconds is not None:
            scene.after(self.seconds, lambda: self.heal(scene))

    def heal(self, scene: Scene) -> None:
        """Let it go on, if it still stands still."""
        guests.virsh("resume", self.domain(scene), check=False)


@dataclass(frozen=True)
class Slowed(OfGuest):
    """The machine's emulator stands still for most of each moment, for so many seconds."""

    seconds: float = 30

    def strike(self, scene: Scene) -> None:
        """Stop it and let it go on, again and again."""
        found = guests.emulators(self.domain(scene))
        assert found, "the machine does not run"
        end = time.monotonic() + self.seconds
        try:
            while scene.running() and time.monotonic() < end:
                send(found, signal.SIGSTOP)
                time.sleep(STOPPED_SECONDS)
                send(found, signal.SIGCONT)
                time.sleep(RUNNING_SECONDS)
        finally:
            send(found, signal.SIGCONT)


@dataclass(frozen=True)
class LinkDown(OfGuest):
    """The cable of the machine is out: for some seconds, or until the fault is taken back."""

    seconds: float | None = None

    def strike(self, scene: Scene) -> None:
        """Pull it out."""
        self._set(scene, "down")
        if self.seconds is not None:
            scene.after(self.seconds, lambda: self.heal(scene))

    def heal(self, scene: Scene) -> None:
        """Put it in."""
        self._set(scene, "up")

    def _set(self, scene: Scene, state: Literal["up", "down"]) -> None:
        for name in guests.interfaces(self.domain(scene)):
            guests.virsh("domif-setlink", self.domain(scene), name, state)


@dataclass(frozen=True)
class VagrantKilled(OfGuest):
    """The program `vagrant` that lab has started for the machine is killed."""

    first: tuple[str, ...] = DOWN

    def strike(self, scene: Scene) -> None:
        """Kill it, and the programs that it is made of."""
        found: list[psutil.Process] = []
        while scene.running() and not found:
            found = [item for item in scene.lab().children(recursive=True) if _is_vagrant(item, scene.box)]
        assert found or not scene.running(), "lab runs no vagrant"
        send(found, signal.SIGKILL)


@dataclass(frozen=True)
class LibvirtRestarted(OfGuest):
    """libvirt's daemons are restarted while the machine is suspended. Other people's machines need theirs."""

    def prepare(self, scene: Scene) -> None:
        """Bring the machine up and suspend it."""
        super().prepare(scene)
        code, text = scene.place.call("suspend", scene.box)
        assert code == 0, text

    def strike(self, scene: Scene) -> None:
        """Restart the daemons that this workplace started; NotMade where they are not its own."""
        shell, state = LocalBox("this machine"), scene.place.state
        if "libvirtd" not in daemons.started_daemons(state):
            raise NotMade("libvirt's daemons of this machine were not started by the suite")
        if others := sorted(set(hypervisor.domains(shell)) - {self.domain(scene)}):
            raise NotMade(f"libvirt has {len(others)} other machines, whose owners did not agree")
        daemons.stop_daemons(shell, state, needed=False)
        daemons.start_daemons(shell, state, _quiet)


@dataclass(frozen=True)
class BakeKilled(OfGuest):
    """lab is killed while it bakes; the workplace's cache has no image then, so that it does bake."""

    first: tuple[str, ...] = DOWN

    def prepare(self, scene: Scene) -> None:
        """Take the images out of the workplace's cache; they are links to those of this user."""
        super().prepare(scene)
        for path in (scene.place.cache / "boxes").resolve().glob("debian12-*"):
            path.unlink()

    def strike(self, scene: Scene) -> None:
        """Kill it."""
        if scene.running():
            send([scene.lab()], signal.SIGKILL)


def _is_vagrant(process: psutil.Process, box: str) -> bool:
    with suppress(psutil.Error):
        words = process.cmdline()
        return box in words and any(Path(word).name == "vagrant" for word in words)
    return False


def _quiet(event: Progress) -> None:
    """The listener of daemons that start."""
