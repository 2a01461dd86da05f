"""Recordings of a terminal by asciinema (asciicast 2 and 3): a line of JSON as header, then an event a line."""

from __future__ import annotations

import json
from typing import Any

FIELD = "asciicast"
VERSIONS = (2, 3)


class Asciicast:
    """Knows a recording by its first line, and takes the text out of its events."""

    def __init__(self) -> None:
        self._first = True
        self.active = False
        """Whether the input is a recording."""

    @property
    def looks(self) -> bool:
        """Whether the next line has to be given to `piece`."""
        return self.active or self._first

    def piece(self, line: str) -> dict[str, Any] | None:
        """The text of an event, which need not be a whole line, for `Texts.take`; None if the line is no event.

        It is empty for the header, and for an event that is no output or that was cut.
        """
        first, self._first = self._first, False
        if first:
            self.active = _is_header(line.removeprefix("\ufeff"))
            return {} if self.active else None
        if not line.startswith("["):
            return None
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            return {}
        match event:
            case [int() | float(), "o", str(text), *_]:
                return {FIELD: text}
        return {}


def _is_header(line: str) -> bool:
    if not line.startswith("{") or '"version"' not in line:
        return False
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return value.get("version") in VERSIONS and ("width" in value or "term" in value)
