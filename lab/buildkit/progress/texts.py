"""Output that is wrapped in JSON, one object a line: the Docker API's stream, the files of Docker's json-file driver.

The API answers POST /build with `{"stream":"Step 1/5 : FROM x"}`, `{"stream":"\\n"}`: pieces of text, not lines.
Loggers write a line an object, under names of their own.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from lab.buildkit.progress import asciicast

# The pieces of these end lines themselves; a value of the others is a line. Drone and Harness write `out`.
PIECES = ("log", "stream", asciicast.FIELD, "out")
# CircleCI's API writes the output of a step as `message`, in pieces that end anywhere, each with its stream.
STREAMS = ("out", "err")
FIELDS = (
    *PIECES,
    "message",
    "msg",
    "textPayload",
    "text",
    "line",
    "body",
    "@message",
    "MESSAGE",
    "errorDetail",
    "error",
)
TRACE = "moby.buildkit.trace"
LONGEST = 1 << 20
STARTS = ('{"', '[{"', "{'", "[{'")
DECODER = json.JSONDecoder()
BETWEEN = re.compile(r"[\s,]*")
PIECE = re.compile(r'\{"(stream|log)": ?"')
# What Docker's log driver writes behind the text.
REST = re.compile(r'(?:, ?"stream": ?"[a-z]*")?(?:, ?"time": ?"[^"\\]*")?\}')
NAMES = {
    "stream": "the Docker API's JSON stream",
    "log": "Docker's json-file log",
    asciicast.FIELD: "asciinema",
}


def objects(line: str) -> list[dict[str, Any]]:
    """The JSON objects that the line consists of, in a list or not, or a dict as Python prints it; else nothing."""
    text = line.strip().strip("[],").strip()
    if text.startswith("{'") and len(text) < LONGEST:
        return _printed(text)
    found: list[dict[str, Any]] = []
    at = 0
    while text.startswith("{", at):
        try:
            value, at = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return []
        found.append(value)
        at = BETWEEN.match(text, at).end()  # type: ignore[union-attr]
    return found if at == len(text) else []


def _printed(text: str) -> list[dict[str, Any]]:
    """A dict as Python prints it, which is how docker-py's answers get into logs."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    return [value] if isinstance(value, dict) and all(isinstance(key, str) for key in value) else []


def piece(line: str) -> dict[str, Any] | None:
    """Return the object of a line that holds one piece of text as Docker writes it; None if there is more in the line.

    It is what `objects` returns, for the lines of which there are most.
    """
    found = PIECE.match(line)
    if found is None:
        return None
    try:
        text, end = DECODER.raw_decode(line, found.end() - 1)
    except ValueError:
        return None
    return {found[1]: text} if REST.fullmatch(line, end) else None


class Texts:
    """Puts the text in objects together again."""

    def __init__(self) -> None:
        self._rest = ""
        self.active = False
        """Whether an object with text was met."""
        self.name: str | None = None
        self.trace = False
        """Whether the API's BuildKit trace was met, which is no text."""

    def take(self, value: dict[str, Any]) -> list[str]:
        """The lines that are whole with this object."""
        self.trace = self.trace or value.get("id") == TRACE
        for field in FIELDS:
            text = value.get(field)
            if not isinstance(text, str):
                continue
            self.active = True
            self.name = self.name or NAMES.get(field)
            if field not in PIECES and value.get("type") not in STREAMS:
                return [*self.flush(), *text.split("\n")]
            if not self._rest and text.find("\n") == len(text) - 1 >= 0:
                return [text[:-1].rstrip("\r")]
            *lines, self._rest = (self._rest + text).split("\n")
            if len(self._rest) > LONGEST:
                lines, self._rest = [*lines, self._rest], ""
            return [line.rstrip("\r") for line in lines]
        return []

    def flush(self) -> list[str]:
        """The text whose end of line has not come."""
        rest, self._rest = self._rest, ""
        return [rest] if rest else []
