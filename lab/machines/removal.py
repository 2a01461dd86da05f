"""Removes boxes and all that this checkout, or one that is gone, made for them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence

from lab.boxes.kinds.table import kind_of as kind_of_box
from lab.boxes.kinds.table import open_box
from lab.engines.asked_once import forget
from lab.errors import LabError
from lab.machines import daemons, hypervisor, leftovers
from lab.machines.hypervisor import BaseImage
from lab.machines.in_common import clear_pool, stop_libvirt
from lab.machines.kinds.handler import Site
from lab.machines.kinds.table import handler_of
from lab.machines.preparation import console, vagrant_id
from lab.model import Progress
from lab.workers import each, raise_first


class Removal:
    """The removal of boxes; `images` are the base images of published boxes that `remove` left in the pool."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.project = site.project
        self.catalog = site.catalog
        self.notes = site.notes
        self.shell = site.shell
        self.tell = site.tell
        self.images: list[BaseImage] = []

    def remove(self, names: Sequence[str], *, images: bool = False) -> list[str]:
        """Remove these boxes with everything that was made for them; returns the names of those removed.

        It reads the notes and asks libvirt itself, so it also finds what an interrupted or killed run left. With
        `images` it also removes the base images of published boxes that no disk is based on; without it, `self.images`
        lists them.
        """
        boxes = self.catalog.boxes
        emptied = [name for name in names if name in boxes and handler_of(boxes[name]).remove_engines(self.site)]
        libvirt = shutil.which("virsh") is not None
        noted = [name for name in names if self.notes.exists(name)]
        if libvirt and (noted or images):
            daemons.start_daemons(self.shell, self.project.state, self.tell)
        libvirt = libvirt and daemons.answers(self.shell)
        there = hypervisor.domains(self.shell, self.project.prefix) if libvirt else []
        doomed = [name for name in names if name in noted or self.project.prefix + name in there]
        raise_first(each(doomed, lambda name: self._remove(name, libvirt))[1])
        if libvirt:
            mine = "|".join(re.escape(f"{self.project.prefix}{name}.") for name in names)
            disks = hypervisor.remove_volumes(self.shell, re.compile(mine)) if mine else []
            doomed += [f"the disk {disk}" for disk in disks]
            published = {name for spec in boxes.values() for name in kind_of_box(spec).images(spec)}
            removed, self.images = clear_pool(self.shell, published, self.tell, all_images=images)
            doomed += removed
            stop_libvirt(self.shell, self.project.state, self.tell)
        forget(names, self.project.state)
        if not self.notes.boxes():
            shutil.rmtree(self.project.state / "registry", ignore_errors=True)  # the base image that all runs used
        return [*emptied, *doomed]

    def remove_orphans(self) -> list[str]:
        """Remove machines of checkouts that are gone, and what lab made in libvirt that has no machine."""
        if not hypervisor.usable():
            return []
        daemons.start_daemons(self.shell, self.project.state, self.tell)
        names = leftovers.orphans(self.shell)
        for name in names:
            self.tell(Progress(name, "removing"))
            hypervisor.remove_domain(self.shell, name)
        if not leftovers.list_domains(self.shell):
            hypervisor.remove_volumes(self.shell, leftovers.DISKS)
        stop_libvirt(self.shell, self.project.state, self.tell)
        return names

    def _remove(self, name: str, libvirt: bool) -> None:
        self.tell(Progress(name, "removing"))
        spec = self.catalog.boxes.get(name)
        try:
            if spec and vagrant_id(self.project, name, "*").exists():
                open_box(spec, self.project).destroy()
        except LabError as error:
            # Vagrant may be missing or out of step: libvirt is asked next, and only if it agrees the note is removed
            if not (libvirt and vagrant_id(self.project, name).exists()):
                raise
            reason = "; ".join([error.message, *error.tail()[-1:]])
            self.tell(Progress(name, f"Vagrant could not remove it, so lab does: {reason}"))
        domain = self.project.prefix + name
        if libvirt and domain in hypervisor.domains(self.shell, self.project.prefix):
            hypervisor.remove_domain(self.shell, domain)
        shutil.rmtree(self.project.root / ".vagrant" / "machines" / name, ignore_errors=True)
        console(self.project, name).unlink(missing_ok=True)
        self.notes.forget(name)
        self.tell(Progress(name, "removed", done=True))
