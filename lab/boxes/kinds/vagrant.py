"""The kind `vagrant`: a virtual machine that lab makes through Vagrant."""

from __future__ import annotations

import re

from lab.boxes.base import Box
from lab.boxes.kinds.kind import BoxKind
from lab.boxes.notes import Notes
from lab.boxes.states import state_of_machine
from lab.boxes.vagrant_spec import VagrantSpec
from lab.project import Project

NUMBERS = re.compile(r"\d+(\.\d+)*")  # a version; Vagrant also takes a range, such as "~> 4.2"


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
