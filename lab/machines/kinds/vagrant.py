"""Boxes that lab makes through Vagrant."""

from __future__ import annotations

from collections.abc import Sequence

from lab.boxes.kinds.vagrant import VagrantSpec
from lab.engines.spec import EngineSpec
from lab.machines.kinds.handler import Handler, Site
from lab.machines.preparation import Preparation


class VagrantHandler(Handler[VagrantSpec]):
    """Machines that need daemons, images and notes before Vagrant can bring them up."""

    def prepare(self, site: Site, lineup: str, specs: Sequence[VagrantSpec], provider: str) -> None:
        """Start libvirt, bake images, and write the notes of new machines."""
        making = Preparation(site.project, site.catalog, site.notes, site.shell, site.tell)
        making.prepare(lineup, list(specs), provider)

    def uses_own_docker(self, site: Site, pins: Sequence[EngineSpec]) -> bool:
        """False: lab made the machine, and every Docker on it."""
        return False
