"""The kind `ssh`: a host that exists already, reached by ssh."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from lab.boxes.address import Address
from lab.boxes.base import Box
from lab.boxes.kinds.kind import BoxKind
from lab.boxes.notes import Notes
from lab.boxes.specs import BoxSpec
from lab.boxes.states import state_at
from lab.project import Project, home_folder


class SshSpec(BoxSpec):
    """A host that exists already; `key` is the path of a private key, without it ssh-agent and ~/.ssh are tried."""

    kind: Literal["ssh"]
    host: str
    user: str
    port: int = Field(default=22, ge=1, le=65535)
    key: Path | None = None

    @property
    def address(self) -> Address:
        """Where ssh finds it."""
        key = str(self.key.expanduser()) if self.key else None
        return Address(host=self.host, port=self.port, user=self.user, key=key)


class SshKind(BoxKind[SshSpec]):
    """Somebody's machine: lab neither makes nor removes it."""

    schema = SshSpec
    modules = ("lab.boxes.ssh",)

    def open(self, spec: SshSpec, project: Project) -> Box:
        """The host, whose key is remembered in the state of this checkout; the user's own known hosts count first."""
        from lab.boxes.ssh import SshBox  # late: Fabric takes half a second, which other verbs need not spend

        known = home_folder() / ".ssh" / "known_hosts"
        return SshBox(spec.name, spec.address, Notes(project.state).known_hosts(spec.name), known)

    def state(self, spec: SshSpec, project: Project) -> str:
        """Whether something listens where ssh should; without Fabric."""
        return state_at(spec.address)
