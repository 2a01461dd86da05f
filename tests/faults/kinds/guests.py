"""What happens inside a virtual machine: its sshd, its disk, its clock."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass

from tests.faults import guests
from tests.faults.kinds.machines import OfGuest
from tests.faults.scene import Scene

YEAR = 365 * 24 * 3600  # seconds
# systemd-run, since the connection that brings the script ends with sshd
KILL_SSHD = "systemd-run --quiet --no-block --collect sh -c 'sleep 0.2; kill -KILL $(pidof sshd)'"
FILLER = "/filler"
FILL = f"""\
fallocate -l "$(df --output=avail -B1 / | tail -n 1)" {FILLER} 2>/dev/null
dd if=/dev/zero of={FILLER} bs=1M oflag=append conv=notrunc 2>/dev/null
dd if=/dev/zero of={FILLER} bs=512 oflag=append conv=notrunc 2>/dev/null
test "$(df --output=avail -B1 / | tail -n 1)" -lt 1048576
"""


@dataclass(frozen=True)
class GuestSshd(OfGuest):
    """sshd is killed with all its connections; the box's systemd may start it again."""

    def strike(self, scene: Scene) -> None:
        """Kill it."""
        guests.inside(scene.place, scene.box, KILL_SSHD)


@dataclass(frozen=True)
class GuestFull(OfGuest):
    """The machine's disk is full."""

    def strike(self, scene: Scene) -> None:
        """Fill it."""
        guests.inside(scene.place, scene.box, f"sh -c {shlex.quote(FILL)}")

    def heal(self, scene: Scene) -> None:
        """Make room again."""
        guests.inside(scene.place, scene.box, f"rm -f {FILLER}")


@dataclass(frozen=True)
class ClockJump(OfGuest):
    """The machine's clock jumps by so many seconds."""

    seconds: int = YEAR

    def strike(self, scene: Scene) -> None:
        """Set it."""
        script = f'date -u -s "@$(( $(date +%s) + {self.seconds} ))"'
        guests.inside(scene.place, scene.box, f"sh -c {shlex.quote(script)}")

    def heal(self, scene: Scene) -> None:
        """Set it to this machine's time."""
        guests.inside(scene.place, scene.box, f"sh -c {shlex.quote('date -u -s @' + now())}")


def now() -> str:
    """This machine's time in seconds since 1970."""
    return str(int(time.time()))
