"""Where ssh finds a box; apart from the notes, so that a connection needs no library for files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """How ssh reaches a box: host, port, user, private key file. In a note, its fields are as strict as the note's."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    host: str
    port: int = 22
    user: str
    key: str | None = None
