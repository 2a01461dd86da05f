"""Any text as Markdown that shows the text and has no other effect: GitHub's dialect, with tables."""

from __future__ import annotations

import re

from lab.report import printable


def code(text: str) -> str:
    """The text as a code span on one line."""
    shown = printable.line(text) or " "
    ticks = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def cell(text: str) -> str:
    """The text as a table cell: a code span, or escaped text where a code span could break the table."""
    shown = printable.line(text)
    if re.search(r"[|`]", shown) or not shown.strip():
        return re.sub(r"[^\w ]", lambda match: f"&#{ord(match[0])};", shown, flags=re.ASCII) or "&#32;"
    return code(shown)


def prose(text: str) -> str:
    """The text within a sentence: characters of Markdown and HTML are escaped, and an `@` notifies nobody."""
    shown = re.sub(r"([\\`*_\[\]<|~&])", r"\\\1", printable.line(text).strip())
    shown = re.sub(r"(?<![\w/])#(?=\d)", r"\\#", re.sub(r"@(?=\w)", "`@`", shown))
    # at the beginning of a line these would open a heading, a list or a quote
    return re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", re.sub(r"^(?=[#+=>-])", r"\\", shown))


def fence(text: str, language: str = "") -> str:
    """The text as a block of its own; the fence is longer than any fence in the text."""
    shown = printable.lines(text).rstrip("\n")
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{ticks}{language}\n{shown}\n{ticks}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """A table; the cells are already Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
