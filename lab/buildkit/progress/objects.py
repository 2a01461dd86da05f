"""JSON objects found in a stream of lines, on one line each or indented over many, with other text between."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

# A quote that is never closed takes the rest of the line at once, and stays.
STRING = re.compile(r'"(?:[^"\\]|\\.)*+"|(")(?:[^"\\]|\\.)*+$')
# What is left of a line of JSON once its strings are taken out.
SKELETON = re.compile(r"[\s\[\]{}:,\d.eE+\-truefalsn]*")
# Pasted output may be quoted (`> `); JSON itself never begins a line like that.
START = re.compile(r"(?:>[ \t]?)*[ \t]*\{")
OPENING = re.compile(r"\s*\{")
LONGEST = 10_000  # lines of an object that is looked at as a whole
QUOTE = re.compile(r"(?:>[ \t]?)*")


def starts_object(line: str) -> bool:
    """Whether a JSON object may begin with this line."""
    return START.match(line) is not None


def indented(lines: Sequence[str], first: int) -> tuple[dict[str, Any], int] | None:
    """Return an object that is indented over whole lines, from a line `{` to a line `}`, and the number of the last.

    None if these lines hold anything else, or if the end is not there.
    """
    try:
        last = lines.index("}", first + 1, first + LONGEST)
    except ValueError:
        return None
    text = "\n".join(lines[first:last])
    if text.count("\n  ") != last - first - 1:
        return None
    try:
        value = json.loads(text + "\n}")
    except (ValueError, RecursionError):
        return None
    return value, last


class ObjectReader:
    """Collects lines until they make up whole objects; text that only looks like JSON is handed back."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._parts: list[str] = []
        self._depth = 0
        self._indent = 0

    @property
    def pending(self) -> bool:
        """Whether an object has begun and has not ended."""
        return bool(self._lines)

    def fits(self, line: str) -> bool:
        """Whether the line can go on with the pending object.

        It cannot if it is no JSON, or begins another object no deeper than the pending one: that was cut.
        """
        text = QUOTE.sub("", line, count=1)
        skeleton = STRING.sub(r"\1", text)
        if not SKELETON.fullmatch(skeleton):
            return False
        stripped = text.lstrip()
        return not (self._lines and stripped.startswith("{") and len(text) - len(stripped) <= self._indent)

    def add(self, line: str) -> list[dict[str, Any]] | None:
        """Take one line that fits: the objects that end with it, or None as long as one is open."""
        text = QUOTE.sub("", line, count=1)
        if not self._lines:
            self._indent = len(text) - len(text.lstrip())
        self._lines.append(line)
        self._parts.append(text)
        skeleton = STRING.sub(r"\1", text)
        self._depth += skeleton.count("{") - skeleton.count("}")
        if self._depth > 0:
            return None
        objects = _decode("\n".join(self._parts))
        self.give_back()
        return objects

    def give_back(self) -> list[str]:
        """Forget the pending object and return its lines, which turned out to be something else."""
        lines, self._lines, self._parts, self._depth = self._lines, [], [], 0
        return lines


def _decode(text: str) -> list[dict[str, Any]]:
    """The objects that `text` holds one after the other, up to the first thing that is no JSON."""
    decoder = json.JSONDecoder()
    objects: list[dict[str, Any]] = []
    at = 0
    while (start := OPENING.match(text, at)) is not None:
        try:
            value, at = decoder.raw_decode(text, start.end() - 1)
        except (ValueError, RecursionError):
            break
        objects.append(value)
    return objects
