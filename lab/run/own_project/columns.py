"""The place of a fault in a Dockerfile: its line and its column."""

from __future__ import annotations

import re


def place_of(text: str, lines: tuple[int, int], part: str = "") -> tuple[int, int]:
    """Return line and column, counted from 1, of a part of an instruction that stands in these lines of a text.

    Without a part, or where no line holds it as a whole word, this is the start of the instruction.
    """
    first, last = lines
    rows = text.removeprefix("\ufeff").split("\n")[first - 1 : last] or [""]
    word = re.compile(rf"(?<![\w-]){re.escape(part)}(?![\w-])") if part[-1:].isalnum() else re.compile(re.escape(part))
    for number, row in enumerate(rows, first):
        if part and (found := word.search(row)):
            return number, found.start() + 1
    return first, len(rows[0]) - len(rows[0].lstrip()) + 1
