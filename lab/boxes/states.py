"""The state of a box, from its note and one connection: cheap, since it needs no ssh."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from lab.boxes.address import Address

if TYPE_CHECKING:
    from lab.boxes.notes import Note

CONNECTING_SECONDS = 1


def state_at(address: Address | None) -> str:
    """`running` if something listens where ssh should, else `unreachable`; `not created` without an address."""
    if address is None:
        return "not created"
    try:
        with socket.create_connection((address.host, address.port), timeout=CONNECTING_SECONDS):
            return "running"
    except OSError:
        return "unreachable"


def state_of_machine(note: Note | None) -> str:
    """The state of a machine that lab makes: `not created`, `suspended`, `half made`, `running` or `unreachable`."""
    if note is None:
        return "not created"
    if note.suspended:
        return "suspended"
    return "half made" if note.address is None else state_at(note.address)
