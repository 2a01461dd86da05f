"""The handlers of the kinds of box that need one of their own; every other kind has the defaults.

The kinds themselves are in lab/boxes/kinds, which cannot import engines or libvirt. So a kind is one module and one
line there and, only if the fleet has to do more for it, one module and one line here.
"""

from __future__ import annotations

from typing import Any

from lab.boxes.specs import BoxSpec
from lab.machines.kinds.handler import Handler
from lab.machines.kinds.local import LocalHandler
from lab.machines.kinds.vagrant import VagrantHandler

HANDLERS: dict[str, Handler[Any]] = {"vagrant": VagrantHandler(), "local": LocalHandler()}
EXISTING = Handler[Any]()


def handler_of(spec: BoxSpec) -> Handler[Any]:
    """How the fleet handles the box of this spec."""
    return HANDLERS.get(spec.kind, EXISTING)
