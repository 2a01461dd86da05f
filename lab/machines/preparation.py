"""Make Vagrant able to bring boxes up: daemons, images, the accelerator, and a note for each new machine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from lab.boxes.baking.bake import bake, kernel_of
from lab.boxes.baking.recipes import load_recipe
from lab.boxes.base import Box, Tell
from lab.boxes.kinds.table import kind_of, state_of
from lab.boxes.notes import Machine, Note, Notes
from lab.boxes.vagrant_spec import VagrantSpec
from lab.errors import HostError
from lab.machines import daemons, hypervisor
from lab.machines.catalog import Catalog
from lab.model import Progress
from lab.project import Project


@dataclass(frozen=True)
class Preparation:
    """What comes before `vagrant up`, for the machines of one checkout; `shell` is this machine's."""

    project: Project
    catalog: Catalog
    notes: Notes
    shell: Box
    tell: Tell

    def prepare(self, lineup: str, specs: list[VagrantSpec], provider: str) -> None:
        """Make Vagrant able to bring these up: daemons, images, accelerator, and a note for each new machine."""
        asleep = [spec for spec in specs if state_of(spec, self.project) != "running"]
        if not asleep:
            return
        if shutil.which("vagrant") is None:
            raise HostError("cannot bring boxes up: Vagrant is not installed", hint="python -m lab setup")
        offered = [name for name in ("virtualbox", "libvirt") if all(name in spec.providers for spec in asleep)]
        chosen = hypervisor.choose_provider(provider, offered, self.shell)
        if chosen == "libvirt":
            daemons.start_daemons(self.shell, self.project.state, self.tell)
            self._forget_ghosts(asleep)
            self._wake(asleep)
        new = [spec for spec in asleep if self.notes.read(spec.name) is None]
        images, kernel = self._images(new)
        driver = hypervisor.accelerator(self.project, kernel, self.tell) if chosen == "libvirt" and new else None
        if driver:
            speed = "KVM" if driver.driver == "kvm" else "emulation"
            self.tell(Progress("libvirt", f"{speed}: {driver.reason}", done=True))
        for spec in new:
            self.notes.write(
                Note(
                    box=spec.name,
                    lineup=self.catalog.lineup_of(spec.name, lineup),
                    vagrant=Machine(
                        provider=chosen,
                        driver=driver.driver if driver else None,
                        box=images.get(spec.name),
                        prefix=self.project.prefix,
                        console=str(console(self.project, spec.name)),
                    ),
                )
            )

    def _images(self, specs: list[VagrantSpec]) -> tuple[dict[str, str], Path | None]:
        """Bake the images of these boxes and give them to Vagrant; returns their names by box, and a kernel."""
        from lab.boxes.vagrant_program import add_box

        names: dict[str, str] = {}
        kernel = None
        cache = self.project.cache / "boxes"
        for recipe_name in sorted({spec.recipe for spec in specs if spec.recipe}):
            recipe = load_recipe(self.project.boxes / "recipes" / f"{recipe_name}.yaml")
            variants = {spec.name: kind_of(spec).variant(spec) for spec in specs if spec.recipe == recipe_name}
            files = bake(recipe, cache=cache, shell=self.shell, tell=self.tell, only=set(variants.values()))
            kernel = kernel_of(recipe, cache)
            for name, variant in variants.items():
                names[name] = f"lab/{files[variant].stem}"
                self.tell(Progress(name, "giving the image to Vagrant"))
                add_box(self.project, names[name], files[variant])
        return names, kernel

    def _wake(self, specs: list[VagrantSpec]) -> None:
        """Let libvirt resume the machines that it keeps in memory; Vagrant resumes every other one.

        Vagrant does the same, but its start and its questions take several seconds for each machine.
        """
        for spec in specs:
            note = self.notes.read(spec.name)
            if not (note and note.suspended and note.address and note.vagrant.provider == "libvirt"):
                continue
            if hypervisor.wake(self.shell, self.project.prefix + spec.name):
                self.notes.write(note.model_copy(update={"suspended": False}))
                self.tell(Progress(spec.name, "resumed"))

    def _forget_ghosts(self, specs: list[VagrantSpec]) -> None:
        """Remove what is half made: a domain without a note or without Vagrant's id, and notes whose domain is gone.

        A crash, an emptied .lab or a new clone at an old path leave these; Vagrant itself fails with "domain is
        already taken". A machine that was too slow and is kept for a look is not half made.
        """
        known = hypervisor.domains(self.shell, self.project.prefix)
        for spec in specs:
            domain = self.project.prefix + spec.name
            note = self.notes.read(spec.name)
            if note and note.vagrant.provider != "libvirt":
                continue
            whole = note and (note.address or note.silent) and vagrant_id(self.project, spec.name).exists()
            if domain in known and not whole:
                self.tell(Progress(spec.name, "removing what an earlier, interrupted run left"))
                hypervisor.remove_domain(self.shell, domain)
                known.remove(domain)
            if domain not in known:
                self.notes.forget(spec.name)
                shutil.rmtree(vagrant_id(self.project, spec.name).parent, ignore_errors=True)


def vagrant_id(project: Project, name: str, provider: str = "libvirt") -> Path:
    """Vagrant's own file for a machine; with `*` as provider, that of any provider."""
    folder = project.root / ".vagrant" / "machines" / name
    if provider == "*":
        return next(folder.glob("*/id"), folder / "none" / "id")
    return folder / provider / "id"


def console(project: Project, name: str) -> Path:
    """The file with the output of a machine's serial port."""
    return project.state / "console" / f"{name}.log"
