"""The functions of Go's package `path` that BuildKit applies to sources: Clean, Join, Dir and Base."""

from __future__ import annotations

import posixpath
import re


def clean(path: str) -> str:
    """Return the shortest equivalent path, computed from the text alone; "." for an empty path."""
    path = posixpath.normpath(path)
    return path[1:] if path.startswith("//") else path


def join(*parts: str) -> str:
    """Join the parts that are not empty with "/" and clean the result; "" if all parts are empty."""
    kept = [part for part in parts if part]
    return clean("/".join(kept)) if kept else ""


def parent(path: str) -> str:
    """Return the path without its last element, cleaned; "." if nothing remains."""
    return clean(path[: path.rfind("/") + 1])


def base(path: str) -> str:
    """Return the last element; "." for an empty path, "/" for a path of slashes only."""
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def key_path(path: str) -> str:
    """Return the path as the record tree stores it: absolute and clean, "" for the root."""
    path = join("/", path)
    return "" if path == "/" else path


def has_wildcard(path: str) -> bool:
    """True if the path contains an unescaped * ? or [."""
    return bool(re.search(r"[*?\[]", re.sub(r"\\.", "", path, flags=re.DOTALL)))


def split_wildcard(path: str) -> tuple[str, str]:
    """Return the leading elements without wildcards, and the remaining elements."""
    parts = clean(path).split("/")
    number = next((index for index, part in enumerate(parts) if has_wildcard(part)), len(parts))
    first, rest = ([part or "/" for part in half] for half in (parts[:number], parts[number:]))
    return join(*first), join(*rest)
