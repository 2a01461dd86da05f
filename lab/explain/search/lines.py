"""Line ends as git writes them into a checkout: what git takes for text, and which files get CRLF."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

PRINTABLE = bytes([8, 9, 10, 13, 27, 12, *range(32, 127), *range(128, 256)])
ON, OFF, AUTO = "set", "unset", "auto"


def is_binary(content: bytes) -> bool:
    """True if git takes a content for binary: a NUL, a CR without LF, or one in 128 characters not printable.

    Source: `convert_is_binary` and `gather_stats` in git's convert.c.
    """
    if b"\0" in content or content.count(b"\r") != content.count(b"\r\n"):
        return True
    strange = len(content.translate(None, PRINTABLE))
    printable = len(content) - content.count(b"\n") - content.count(b"\r") - strange
    return printable >> 7 < strange - content.endswith(b"\x1a")  # a final ^Z is the end of a DOS text


def with_lf(content: bytes) -> bytes:
    """Return the content with LF in place of each CRLF."""
    return content.replace(b"\r\n", b"\n") if b"\r" in content else content


def with_crlf(content: bytes) -> bytes:
    """Return the content with CRLF at the end of every line."""
    return with_lf(content).replace(b"\n", b"\r\n")


def checked_out(blob: bytes, attributes: Mapping[str, str], autocrlf: str, native: bytes = b"\n") -> bytes:
    """Return the bytes that git writes for a blob under `core.autocrlf` (true, input or false).

    `attributes` are those of the path; `native` is the line end of `core.eol`. Only `text`, `eol` and `crlf` count.
    Source: `crlf_to_worktree` in git's convert.c: an automatic conversion leaves a file alone that has a CR.
    """
    text, crlf = wanted(attributes, autocrlf, native)
    if not crlf or blob.count(b"\n") == blob.count(b"\r\n"):
        return blob
    if text == AUTO and (b"\r" in blob or is_binary(blob)):
        return blob
    return with_crlf(blob)


def wanted(attributes: Mapping[str, str], autocrlf: str, native: bytes = b"\n") -> tuple[str, bool]:
    """Return whether a path is text (`set`, `unset` or `auto`), and whether its lines end with CRLF in a checkout."""
    return _wanted(attributes.get("text", attributes.get("crlf", "")), attributes.get("eol", ""), autocrlf, native)


@lru_cache(1024)
def _wanted(text: str, eol: str, autocrlf: str, native: bytes) -> tuple[str, bool]:
    if text == "input":
        text, eol = ON, "lf"
    if text not in (ON, OFF, AUTO):
        text = ON if eol in ("lf", "crlf") else ""
    if not text:
        return (AUTO, True) if autocrlf == "true" else (OFF, False)
    if text == OFF:
        return OFF, False
    if eol in ("lf", "crlf"):
        return text, eol == "crlf"
    return text, autocrlf == "true" or (autocrlf != "input" and native == b"\r\n")
