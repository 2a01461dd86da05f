"""Go's package `path`, as far as BuildKit uses it on sources: Clean, Join, Dir and Base."""

from __future__ import annotations

import posixpath
import re


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
