"""Bytes in, lines out: UTF-8 or UTF-16, line feeds or carriage returns, lines of any length."""

from __future__ import annotations

import codecs
import re

# A line that is longer is cut: no builder prints one, and patterns must not meet it.
LONGEST = 4 << 20
# The encoding is decided by the first bytes, the end of lines by the first line.
HEAD = 4
CARRIAGE = re.compile(r"\r(?!\r?\n)")
STARTS = re.compile(
    r"(?:\x1b\[[\d;?]*[A-Za-z]|[ \t>])*"
    r"(?:\{|#\d{1,9} (?:\[|building |importing |exporting )|Step \d|STEP \d|Sending build|=> |\[\+\] )"
)


class Lines:
    """Turns pieces of bytes into lines; pieces may end anywhere, even within a character.

    Only a line feed ends a line: a RUN may print a bare carriage return, or one of Unicode's separators. Where the
    first line alone holds several headers behind carriage returns, they end lines too. NUL bytes are left out.
    """

    def __init__(self) -> None:
        self._head = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._tail = ""
        self._end = ""
        self._cutting = False
        self.cut = 0
        """How many lines were cut because they are too long."""

    def feed(self, data: bytes) -> list[str]:
        """The lines that are whole with these bytes, without their ends."""
        if self._decoder is None:
            self._head += data
            if len(self._head) < HEAD:
                return []
            data, self._head = self._head, b""
            self._decoder = codecs.getincrementaldecoder(_encoding(data))("replace")
        return self._split(self._decoder.decode(data))

    def flush(self) -> list[str]:
        """The last line, which counts even without an end."""
        if self._decoder is None:
            self._decoder = codecs.getincrementaldecoder(_encoding(self._head))("replace")
        lines = self._split(self._decoder.decode(self._head, final=True))
        self._head = b""
        if self._tail and not self._end:
            self._decide(self._tail)
            lines += self._split("")
        if self._tail:
            lines.append(self._tail[:LONGEST])
            self._tail = ""
        return lines

    def _split(self, text: str) -> list[str]:
        if "\0" in text:
            text = text.replace("\0", "")
        text = self._tail + text if self._tail else text
        if not self._end:
            feed = text.find("\n")
            if feed < 0 and len(text) < LONGEST:
                self._tail = text
                return []
            self._decide(text[: feed if 0 <= feed < LONGEST else LONGEST])
        if self._end == "\r":
            text = text.replace("\r", "\n")
        *lines, self._tail = text.split("\n")
        return self._shortened(lines)

    def _shortened(self, lines: list[str]) -> list[str]:
        """Cut lines that are too long, and forget the rest of one whose end has not come."""
        if self._cutting and lines:
            self._cutting = False
            lines = lines[1:]
        if self._cutting:
            self._tail = ""
        elif len(self._tail) > LONGEST:
            lines = [*lines, self._tail[:LONGEST]]
            self._tail, self._cutting, self.cut = "", True, self.cut + 1
        for at, line in enumerate(lines):
            if len(line) > LONGEST:
                lines[at], self.cut = line[:LONGEST], self.cut + 1
        return lines

    def _decide(self, first: str) -> None:
        """Decide from the first line what ends a line."""
        starts = sum(1 for part in CARRIAGE.split(first) if STARTS.match(part))
        self._end = "\r" if starts > 1 else "\n"


def _encoding(head: bytes) -> str:
    """UTF-16 by its mark, or by the zero bytes of its first letters; else UTF-8, whatever comes."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(head) >= HEAD and head[0] and head[2] and not head[1] and not head[3]:
        return "utf-16-le"
    if len(head) >= HEAD and head[1] and head[3] and not head[0] and not head[2]:
        return "utf-16-be"
    return "utf-8"
