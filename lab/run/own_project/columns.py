"""The column of a fault in a Dockerfile, for messages that name its line."""

from __future__ import annotations

import re

PLACE = re.compile(r"^line (\d+): ")
QUOTED = re.compile(r"`([^`]+)`")


def with_column(message: str, text: str, count: int = 1) -> str:
    """Return a message that begins with "line N: ", with the column too; any other message stays as it is.

    The column, counted from 1, is that of the part of the instruction that the message names, or else of the
    instruction. It may be on a later one of the instruction's `count` lines.
    """
    found = PLACE.match(message)
    if not found:
        return message
    first, rest = int(found[1]), message[found.end() :]
    lines = text.split("\n")[first - 1 : first - 1 + count] or [""]
    named = [*reversed(QUOTED.findall(rest)), *sorted(rest.split(), key=lambda word: not word.startswith("--"))]
    for word in named:
        for number, line in enumerate(lines, first):
            place = re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", line)
            if place:
                return f"line {number}, column {place.start() + 1}: {rest}"
    return f"line {first}, column {len(lines[0]) - len(lines[0].lstrip()) + 1}: {rest}"
