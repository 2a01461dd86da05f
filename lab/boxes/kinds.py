"""The kinds of box by name: a new kind is one file here, one line below and one spec in lab/boxes/specs.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.boxes.base import Box
from lab.boxes.local import LocalBox
from lab.boxes.notes import Address, Notes
from lab.boxes.specs import BoxSpec, SshSpec
from lab.project import Project


def _ssh(spec: SshSpec, project: Project) -> Box:
    from lab.boxes.ssh import SshBox  # late: Fabric costs half a second that other verbs need not pay

    key = str(spec.key.expanduser()) if spec.key else None
    address = Address(host=spec.host, port=spec.port, user=spec.user, key=key)
    return SshBox(spec.name, address, Notes(project.state).known_hosts(spec.name))


def _vagrant(spec: Any, project: Project) -> Box:
    from lab.boxes.vagrant import VagrantBox

    return VagrantBox(spec, project)


KINDS: dict[str, Callable[[Any, Project], Box]] = {
    "local": lambda spec, project: LocalBox(spec.name),
    "ssh": _ssh,
    "vagrant": _vagrant,
}


def open_box(spec: BoxSpec, project: Project) -> Box:
    """The box that a spec describes; nothing is started or connected yet."""
    return KINDS[spec.kind](spec, project)
