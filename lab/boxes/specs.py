"""What the files boxes/*.yaml state, kind by kind."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from lab.yamlfile import Strict

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]


class BoxSpec(Strict):
    """What every kind of box states: its name, a summary, and the engines it runs.

    The first engine has to be had; another one that cannot be had is left out, and that is said. Those in `at_hand`
    are added where their archive lies in the cache.
    """

    name: Name
    summary: str
    kind: str
    engines: tuple[str, ...] = Field(min_length=1)
    at_hand: tuple[str, ...] = ()
    optional: bool = False  # a lineup goes on without it when it cannot be had


class Image(Strict):
    """A Vagrant box as published: name and version for one provider."""

    box: str
    version: str | None = None


class VagrantSpec(BoxSpec):
    """A machine that Vagrant makes; memory in MB, recipe if lab bakes its image.

    `boot_timeout` is in seconds: how long the console, Vagrant and ssh may all show nothing new while it boots.
    """

    kind: Literal["vagrant"]
    memory: int = Field(default=1024, ge=256)
    cpus: int = Field(default=1, ge=1)
    boot_timeout: int = Field(default=300, ge=10)
    recipe: str | None = None
    providers: dict[Literal["libvirt", "virtualbox"], Image] = Field(min_length=1)


class SshSpec(BoxSpec):
    """A host that exists already, reached by ssh; `key` is a private key's path, else ssh-agent and defaults serve."""

    kind: Literal["ssh"]
    host: str
    user: str
    port: int = Field(default=22, ge=1, le=65535)
    key: Path | None = None


class LocalSpec(BoxSpec):
    """This machine; where lab may (Linux, root) it runs the engines of `private` itself instead of `engines`."""

    kind: Literal["local"]
    private: tuple[str, ...] = ()


SPECS: dict[str, type[BoxSpec]] = {"vagrant": VagrantSpec, "ssh": SshSpec, "local": LocalSpec}
