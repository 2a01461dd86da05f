"""Every kind of box by the name that its files use: a new kind is one module in this package and one line here."""

from __future__ import annotations

from typing import Any

from lab.boxes.base import Box
from lab.boxes.kinds.kind import BoxKind
from lab.boxes.kinds.local import LocalKind
from lab.boxes.kinds.ssh import SshKind
from lab.boxes.kinds.vagrant import VagrantKind
from lab.boxes.specs import BoxSpec
from lab.project import Project

KINDS: dict[str, BoxKind[Any]] = {"vagrant": VagrantKind(), "ssh": SshKind(), "local": LocalKind()}


def kind_of(spec: BoxSpec) -> BoxKind[Any]:
    """The kind of a box's file."""
    return KINDS[spec.kind]


def open_box(spec: BoxSpec, project: Project) -> Box:
    """The box that a spec describes; nothing is started or connected yet."""
    return kind_of(spec).open(spec, project)


def state_of(spec: BoxSpec, project: Project) -> str:
    """The state of a box, as `Box.state` states it."""
    return kind_of(spec).state(spec, project)
