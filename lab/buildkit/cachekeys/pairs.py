"""Reads the names and values of ENV, LABEL and ARG, whose words may hold quotes."""

from __future__ import annotations

import re

from lab.buildkit.cachekeys.instruction import Instruction


def pairs_of(item: Instruction, escape: str) -> list[tuple[str, str | None]]:
    """Return the names and unexpanded values of an ENV, LABEL or ARG; None for a name without a value."""
    words = quoted_words(item.rest, escape)
    if item.word in ("ENV", "LABEL") and words and "=" not in words[0]:
        name, *value = re.split(r"[\t\v\f\r ]+", item.rest, maxsplit=1)
        return [(name, value[0] if value else None)]
    found: list[tuple[str, str | None]] = []
    for word in words:
        name, equals, text = word.partition("=")
        found.append((name, text if equals else None))
    return found


def quoted_words(text: str, escape: str) -> list[str]:
    """Split a text at spaces outside of quotes; quotes and escapes stay in the words."""
    mark = re.escape(escape)
    pattern = rf"(?:'[^']*(?:'|$)|\"(?:{mark}.|[^\"{mark}])*(?:\"|$)|{mark}.|[^\s'\"{mark}]|{mark}$)+"
    return [word.removesuffix(escape) if word == escape else word for word in re.findall(pattern, text, re.DOTALL)]
