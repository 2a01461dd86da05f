"""Snapshots of a box, by the kind of what runs it: libvirt, VirtualBox, or engines on this machine.

A snapshot of a virtual machine holds its disk and its memory, so that a box that is set back need not boot. Those of
libvirt are made through virsh and are the same as those of `vagrant snapshot`: Vagrant's verbs take two seconds longer,
which is the time that Ruby needs to start.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from lab.boxes.base import Box
from lab.errors import BoxError, HostError, UsageError
from lab.machines import hypervisor

if TYPE_CHECKING:
    from lab.boxes.vagrant import VagrantBox  # late: Fabric takes half a second

PRISTINE = "lab-pristine"  # the snapshot of a box's first state, with its engines
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Snapshots(Protocol):
    """The snapshots of one box, by name."""

    def names(self) -> list[str]:
        """The names of all snapshots, oldest first where their order is known."""

    def save(self, name: str) -> None:
        """Save the box's state under a name that no snapshot has."""

    def restore(self, name: str) -> None:
        """Set the box back to a snapshot, and wait until it answers; its clock is right then."""

    def remove(self, name: str) -> None:
        """Remove a snapshot."""


def check_name(name: str) -> str:
    """The name, if it can be that of a snapshot; UsageError otherwise."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f'cannot use the name "{name}" for a snapshot', hint="letters, digits, dots and dashes; 64 at most"
        )
    return name


class MachineSnapshots:
    """Snapshots of a machine that Vagrant made, through Vagrant's own verbs."""

    def __init__(self, box: VagrantBox) -> None:
        self.box = box

    def names(self) -> list[str]:
        """Those that Vagrant lists."""
        lines = (line.strip() for line in self.box.snapshot("list").splitlines())
        return [line for line in lines if NAME.fullmatch(line)]

    def save(self, name: str) -> None:
        """Save disk and memory; the connection is closed first, since no program of the snapshot may wait for it.

        The machine stands still meanwhile, so its clock is set afterwards.
        """
        with self.box.disconnected():
            self._save(name)
        self.box.set_clock()

    def restore(self, name: str) -> None:
        """Restore disk and memory, whatever state the machine is in; BoxError if it does not answer then."""
        with self.box.disconnected():
            self._restore(name)
            try:
                self.box.wait_after_restore()
            except BoxError as error:
                name_of = self.box.name
                error.hint = f"`python -m lab down {name_of}`, then `python -m lab up {name_of}`, makes a new box"
                raise

    def remove(self, name: str) -> None:
        """Remove it with its part of the disk's file."""
        self.box.snapshot("delete", name)

    def _save(self, name: str) -> None:
        self.box.snapshot("save", name)

    def _restore(self, name: str) -> None:
        self.box.snapshot("restore", name, "--no-provision")


class LibvirtSnapshots(MachineSnapshots):
    """The same through virsh."""

    def __init__(self, box: VagrantBox, shell: Box, domain: str) -> None:
        super().__init__(box)
        self.shell = shell
        self.domain = domain

    def names(self) -> list[str]:
        """Those that libvirt lists."""
        return hypervisor.virsh(self.shell, "snapshot-list", self.domain, "--name", "--topological")

    def remove(self, name: str) -> None:
        """Remove it, whether the machine runs or not."""
        hypervisor.virsh(self.shell, "snapshot-delete", self.domain, name)

    def _save(self, name: str) -> None:
        state = hypervisor.virsh(self.shell, "domstate", self.domain)
        if state[:1] != ["running"]:
            raise BoxError(
                f"cannot save a snapshot of {self.box.name}: it is {' '.join(state) or 'in no known state'}",
                hint=f"python -m lab up {self.box.name}",
            )
        hypervisor.virsh(self.shell, "snapshot-create-as", self.domain, name)

    def _restore(self, name: str) -> None:
        hypervisor.revert(self.shell, self.domain, name)


def failed(box: str, name: str, error: HostError) -> BoxError:
    """The error for a snapshot that libvirt does not restore."""
    return BoxError(
        f"cannot set {box} back to {name}: {error.message}",
        hint=f"`python -m lab down {box}`, then `python -m lab up {box}`, makes a new box",
        output=error.output,
    )


def missing(box: str, name: str, names: Sequence[str]) -> BoxError:
    """The error for a box without a snapshot of that name."""
    if name == PRISTINE:
        why, hint = (
            "it has no snapshot of its first state",
            f"`python -m lab down {box}`, then `python -m lab up {box}`, makes a new box with one",
        )
    else:
        why, hint = f'it has no snapshot "{name}"', f"its snapshots: {', '.join(names) or 'none'}"
    return BoxError(f"cannot set {box} back: {why}", hint=hint)
