"""Text of any origin, safe to show: without terminal escapes and hidden characters, which are spelled out."""

from __future__ import annotations

import re
import textwrap

from lab.buildkit.progress.terminal import without_escapes

_ODD = re.compile(r"[^\n\t\x20-\x7e]")


def lines(text: str) -> str:
    """The text with its lines and tabs; terminal escapes are removed, other unprintable characters are spelled out."""
    if text.isprintable():  # most words are
        return text
    if "\x1b" in text:  # line by line: an escape without an end must not hide the lines after it
        text = "\n".join(without_escapes(part) for part in text.split("\n"))
    return _ODD.sub(_spelled, text.replace("\r\n", "\n"))


def line(text: str) -> str:
    """The text as one line: line ends and tabs are spelled out too."""
    return lines(text).replace("\n", "\\n").replace("\t", "\\t")


def filled(text: str, indent: str, *, first: str | None = None, width: int) -> list[str]:
    """The text as lines of at most `width` columns, words left whole so that names can be copied.

    `first` is the indent of the first line, `indent` by default.
    """
    return textwrap.wrap(
        line(text),
        width,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _spelled(match: re.Match[str]) -> str:
    """Letters stay; a control character, direction mark or lone surrogate becomes \\x1b, \\u202e, \\udc80."""
    character = match[0]
    return character if character.isprintable() else character.encode("unicode_escape").decode()
