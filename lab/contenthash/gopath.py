"""Go's package `path`, as far as BuildKit uses it on sources: Clean, Join, Dir, Base and Match."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache

from lab.contenthash.entry import shown
from lab.errors import ContextError


def clean(path: str) -> str:
    """The shortest path of the same meaning by its text alone; "." for nothing."""
    path = posixpath.normpath(path)
    return path[1:] if path.startswith("//") else path


def join(*parts: str) -> str:
    """Parts that are not empty with "/" between them, cleaned; "" if all are empty."""
    kept = [part for part in parts if part]
    return clean("/".join(kept)) if kept else ""


def parent(path: str) -> str:
    """All but the last element, cleaned; "." if there is no more."""
    return clean(path[: path.rfind("/") + 1])


def base(path: str) -> str:
    """The last element; "." for nothing, "/" for slashes alone."""
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def key_path(path: str) -> str:
    """A source as it is looked up: absolute and clean, "" for the root."""
    path = join("/", path)
    return "" if path == "/" else path


def has_wildcard(path: str) -> bool:
    """True if an unescaped * ? or [ is in it."""
    return bool(re.search(r"[*?\[]", re.sub(r"\\.", "", path, flags=re.DOTALL)))


def split_wildcard(path: str) -> tuple[str, str]:
    """The leading elements without wildcards, and the rest."""
    parts = clean(path).split("/")
    number = next((index for index, part in enumerate(parts) if has_wildcard(part)), len(parts))
    first, rest = ([part or "/" for part in half] for half in (parts[:number], parts[number:]))
    return join(*first), join(*rest)


def matches(pattern: str, path: str) -> bool:
    """True if the whole path matches; ContextError for a malformed pattern, wherever the fault is in it."""
    return _compiled(pattern).fullmatch(path) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression: * and ? stop at "/", a class does not."""
    found, index = "", 0
    while index < len(pattern):
        char = pattern[index]
        index += 1
        if char == "*":
            found += "[^/]*"
        elif char == "?":
            found += "[^/]"
        elif char == "[":
            text, index = character_class(pattern, index)
            found += text
        else:
            if char == "\\":
                char, index = _next(pattern, index)
            found += re.escape(char)
    return re.compile(found, re.DOTALL)


def character_class(pattern: str, index: int) -> tuple[str, int]:
    """A character class that begins after its "[", and where it ends."""
    negated = pattern[index : index + 1] == "^"
    index += negated
    ranges, count = "", 0
    while pattern[index : index + 1] != "]" or not count:
        low, index = _character(pattern, index)
        high = low
        if pattern[index : index + 1] == "-":
            high, index = _character(pattern, index + 1)
        ranges += f"{re.escape(low)}-{re.escape(high)}" if low <= high else ""
        count += 1
    if not ranges:  # only ranges of nothing, such as z-a
        return "." if negated else "(?!)", index + 1
    return f"[{'^' if negated else ''}{ranges}]", index + 1


def _character(pattern: str, index: int) -> tuple[str, int]:
    """One character of a class, which "-" and "]" are only when escaped."""
    char, index = _next(pattern, index)
    if char in "-]":
        raise _malformed(pattern)
    if char == "\\":
        char, index = _next(pattern, index)
    if index >= len(pattern):
        raise _malformed(pattern)
    return char, index


def _next(pattern: str, index: int) -> tuple[str, int]:
    if index >= len(pattern):
        raise _malformed(pattern)
    return pattern[index], index + 1


def _malformed(pattern: str) -> ContextError:
    return ContextError(f'cannot use the pattern "{shown(pattern)}": it is malformed')
