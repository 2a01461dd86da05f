"""What a box file of the kind `vagrant` states."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lab.boxes.specs import BoxSpec
from lab.yamlfile import Strict


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
