"""The kind `vagrant`: a virtual machine that lab makes through Vagrant."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from lab.boxes.base import Box
from lab.boxes.kinds.kind import BoxKind
from lab.boxes.notes import Notes
from lab.boxes.specs import BoxSpec
from lab.boxes.states import state_of_machine
from lab.project import Project
from lab.yamlfile import Strict

NUMBERS = re.compile(r"\d+(\.\d+)*")  # a version; Vagrant also takes a range, such as "~> 4.2"


class Image(Strict):
    """A Vagrant box as published: its name and version for one provider."""

    box: str
    version: str | None = None


class VagrantSpec(BoxSpec):
    """A machine that Vagrant makes: memory in MB, boot_timeout in seconds, and a recipe if lab bakes its image.

    `variant` names the image of the recipe; without it, that is the one of the box's own name.
    """

    kind: Literal["vagrant"]
    memory: int = Field(default=1024, ge=256)
    cpus: int = Field(default=1, ge=1)
    boot_timeout: int = Field(default=300, ge=10)
    recipe: str | None = None
    variant: str | None = None
    providers: dict[Literal["libvirt", "virtualbox"], Image] = Field(min_length=1)


class VagrantKind(BoxKind[VagrantSpec]):
    """A machine of the Vagrantfile."""

    schema = VagrantSpec
    modules = ("lab.boxes.ssh",)
    is_made_by_lab = True

    def open(self, spec: VagrantSpec, project: Project) -> Box:
        """The machine, reached as its note states."""
        from lab.boxes.vagrant import VagrantBox  # late: Fabric takes half a second, which other verbs need not spend

        return VagrantBox(spec, project)

    def state(self, spec: VagrantSpec, project: Project) -> str:
        """What its note states, and one connection; without Fabric."""
        return state_of_machine(Notes(project.state).read(spec.name))

    def memory(self, spec: VagrantSpec) -> int:
        """What its file states."""
        return spec.memory

    def recipe(self, spec: VagrantSpec) -> str | None:
        """What its file states."""
        return spec.recipe

    def variant(self, spec: VagrantSpec) -> str:
        """What its file states, else its name."""
        return spec.variant or spec.name

    def images(self, spec: VagrantSpec) -> tuple[str, ...]:
        """The image of each provider."""
        return tuple(image.box for image in spec.providers.values())

    def image_folders(self, spec: VagrantSpec) -> tuple[str, ...]:
        """The folder of the stated version of each image; of any version where the file has none, or a range."""
        return tuple(
            image.box.replace("/", "-VAGRANTSLASH-")
            + (f"/{image.version}" if image.version and NUMBERS.fullmatch(image.version) else "")
            for image in spec.providers.values()
        )
