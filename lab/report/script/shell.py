"""Words and bytes in POSIX shell: the shell takes them unchanged, and they hold nothing that controls a terminal."""

from __future__ import annotations

import base64
import re
import shlex
from functools import lru_cache

from lab.report import printable

_LINE = 76
_SMALL = 1024


@lru_cache(maxsize=1 << 14)  # the words of a run repeat often
def word(text: str) -> str:
    """The text as one word of a command; characters outside ASCII, and control characters, are written in octal.

    Names that are not UTF-8 are in the form of os.fsdecode. ValueError for a NUL, which no word can hold.
    """
    if "\0" in text:
        raise ValueError("a NUL in a word")
    if re.fullmatch(r"[\n -~]*", text):
        if not re.search(r"['$`\\]", text):
            return shlex.quote(text)
        escaped = re.sub(r'(["$`\\])', r"\\\1", text)
        return f'"{escaped}"'
    # command substitution drops trailing line ends, so they follow it
    body = text.rstrip("\n")
    ends = shlex.quote(text[len(body) :]) if len(body) < len(text) else ""
    return f"\"$(printf '{octal(body.encode('utf-8', 'surrogateescape'))}')\"{ends}"


def octal(data: bytes) -> str:
    """The bytes as a format of printf(1), for use between single quotes."""
    plain = set(b'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;/_+=@#^~()[]{}<>|&*?!"-')
    text = "".join(chr(byte) if byte in plain else "\\n" if byte == 10 else f"\\{byte:03o}" for byte in data)
    return f"\\055{text[1:]}" if text.startswith("-") else text  # without this, printf takes it for an option


def printing(data: bytes) -> str:
    """A command that prints these bytes: as text where possible, in octal if they are few, else from base64."""
    text = data.decode("ascii", "replace")
    if re.fullmatch(r"[\n -~]*", text) and len(data) <= _SMALL * 4:
        return f"printf %s {word(text)}"
    if len(data) <= _SMALL:
        return f"printf '{octal(data)}'"
    code = base64.b64encode(data).decode()
    lines = "\n".join(code[start : start + _LINE] for start in range(0, len(code), _LINE))
    return f"base64 -d <<'END'\n{lines}\nEND"


def comment(text: str) -> str:
    """The text as one comment line, which cannot begin a command."""
    return f"# {printable.line(text)}".rstrip()
