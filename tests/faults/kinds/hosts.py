"""What happens to a host behind ssh: its network, its sshd, its keys."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Literal

from tests.boxes.test_ssh import make_key
from tests.faults.fault import Kind
from tests.faults.hosts import Host
from tests.faults.kinds.disks import FILLER, fill
from tests.faults.scene import Scene, send

DROP = ("iptables", "-w", "-I", "INPUT", "-i", "eth0", "-j", "DROP")
SLOW = ("tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "256kbit", "burst", "4kb", "latency", "500ms")


def host_of(scene: Scene) -> Host:
    """The host that is hit."""
    return scene.place.hosts[scene.box]


@dataclass(frozen=True)
class Cut(Kind):
    """Nothing that is sent to the host arrives: for some seconds, or until the fault is taken back."""

    seconds: float | None = None

    def strike(self, scene: Scene) -> None:
        """Drop everything."""
        host_of(scene).inside(*DROP)
        if self.seconds is not None:
            scene.after(self.seconds, lambda: self.heal(scene))

    def heal(self, scene: Scene) -> None:
        """Let everything through."""
        host_of(scene).inside("iptables", "-w", "-F", "INPUT")


@dataclass(frozen=True)
class Slow(Kind):
    """The host sends at most 256 kbit/s. This kernel has no netem; tbf limits the rate, and so delays."""

    def strike(self, scene: Scene) -> None:
        """Slow it down."""
        host_of(scene).inside(*SLOW)

    def heal(self, scene: Scene) -> None:
        """Let it send at full speed."""
        host_of(scene).inside("tc", "qdisc", "del", "dev", "eth0", "root")


@dataclass(frozen=True)
class Sshd(Kind):
    """The host's sshd with its connections is killed or frozen; after SIGSTOP they go on `thaw` seconds later."""

    number: signal.Signals
    thaw: float | None = None

    def strike(self, scene: Scene) -> None:
        """Send the signal to all of them, the listening one last."""
        found = host_of(scene).servers()
        send(found[::-1], self.number)
        if self.thaw is not None:
            scene.after(self.thaw, lambda: send(found, signal.SIGCONT))

    def heal(self, scene: Scene) -> None:
        """Start it again."""
        host_of(scene).stop()
        host_of(scene).start()


@dataclass(frozen=True)
class Key(Kind):
    """A key of the host is another one: its own, or the one that it accepts of the user."""

    which: Literal["host", "user"]

    def prepare(self, scene: Scene) -> None:
        """Let the workplace know the host."""
        code, text = scene.place.call("up", "--lineup", "hosts")
        assert code == 0, text

    def strike(self, scene: Scene) -> None:
        """Make another one."""
        folder = host_of(scene).folder
        for name in (self.which, f"{self.which}.pub"):
            (folder / name).rename(folder / f"{name}.kept")
        if self.which == "host":
            make_key(folder / "host")
        else:
            make_key(folder / "other")
            (folder / "user").write_bytes((folder / "user.kept").read_bytes())
            (folder / "user").chmod(0o600)
            (folder / "user.pub").write_bytes((folder / "other.pub").read_bytes())
        self._restart(scene)

    def heal(self, scene: Scene) -> None:
        """Bring the first one back."""
        folder = host_of(scene).folder
        for name in (self.which, f"{self.which}.pub"):
            if (folder / f"{name}.kept").exists():
                (folder / f"{name}.kept").replace(folder / name)
        self._restart(scene)

    def _restart(self, scene: Scene) -> None:
        host_of(scene).stop()
        host_of(scene).start()


@dataclass(frozen=True)
class Unknown(Kind):
    """The host is named by a name that no server knows."""

    def prepare(self, scene: Scene) -> None:
        """Write the name into its box file."""
        item = host_of(scene)
        scene.place.lineup("hosts", self._texts(scene) | {item.name: item.text().replace(item.address, "east.invalid")})

    def strike(self, scene: Scene) -> None:
        """It is so from the start."""

    def heal(self, scene: Scene) -> None:
        """Write the address again."""
        scene.place.lineup("hosts", self._texts(scene))

    def _texts(self, scene: Scene) -> dict[str, str]:
        return {name: item.text() for name, item in scene.place.hosts.items()}


@dataclass(frozen=True)
class HomeFull(Kind):
    """The disk of the host's home folder is full."""

    def strike(self, scene: Scene) -> None:
        """Fill it."""
        fill(host_of(scene).place.home, 0)

    def heal(self, scene: Scene) -> None:
        """Make room again."""
        (host_of(scene).place.home / FILLER).unlink(missing_ok=True)
