"""Boxes that lab makes through Vagrant."""

from __future__ import annotations

from collections.abc import Sequence

from lab.boxes.base import Box
from lab.boxes.vagrant_spec import VagrantSpec
from lab.engines.spec import EngineSpec
from lab.errors import UsageError
from lab.machines.kinds.handler import Handler, Site
from lab.machines.preparation import Preparation
from lab.machines.snapshots import LibvirtSnapshots, MachineSnapshots, Snapshots


class VagrantHandler(Handler[VagrantSpec]):
    """Machines that need daemons, images and notes before Vagrant can bring them up."""

    def prepare(self, site: Site, lineup: str, specs: Sequence[VagrantSpec], provider: str) -> None:
        """Start libvirt, bake images, and write the notes of new machines."""
        making = Preparation(site.project, site.catalog, site.notes, site.shell, site.tell)
        making.prepare(lineup, list(specs), provider)

    def snapshots(self, site: Site, spec: VagrantSpec, box: Box) -> Snapshots:
        """Through virsh or, for VirtualBox, through Vagrant; UsageError for a box that was never up."""
        from lab.boxes.vagrant import VagrantBox  # late: Fabric takes half a second

        note = site.notes.read(spec.name)
        if note is None or note.address is None:
            raise UsageError(f"cannot use snapshots of {spec.name}: it is not up", hint=f"python -m lab up {spec.name}")
        assert isinstance(box, VagrantBox)
        if note.vagrant.provider == "libvirt":
            return LibvirtSnapshots(box, site.shell, site.project.prefix + spec.name)
        return MachineSnapshots(box)

    def uses_own_docker(self, site: Site, pins: Sequence[EngineSpec]) -> bool:
        """False: lab made the machine, and every Docker on it."""
        return False
