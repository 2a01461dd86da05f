"""What a BuildKit hashed: the plain text behind each digest, as the debug page /debug/cache/all prints it in JSON.

buildkitd stores these texts if it was started with --save-cache-debug (since 0.24). It does not store the content of a
file, only its length.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from lab.errors import ReadError

DATA, SKIP = 2, 3  # the types of a piece: bytes, and the number of bytes that were hashed but not stored
HEADER = re.compile(
    rb"name(?=mode)|mode\d+|uid\d+|gid\d+|size\d+|typeflag.|linkname.*?(?=unamegname)|uname|gname|devmajor\d+"
    rb"|devminor\d+|.+",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Hashed:
    """One text that was hashed; `kind` is json, string, file, file-list, digest-list or string-list.

    `skipped` is the number of bytes after `data` that were hashed but not stored.
    """

    digest: str
    kind: str
    data: bytes
    skipped: int = 0


def read(page: bytes) -> dict[str, Hashed]:
    """The texts by digest; ReadError if the page is not the JSON of /debug/cache/all."""
    try:
        records = json.loads(page)
        return {found.digest: found for found in (_hashed(item) for item in records or ())}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, binascii.Error) as error:
        raise ReadError(
            f"cannot read BuildKit's page of hashed texts: {error!r}",
            hint="the page is /debug/cache/all of a buildkitd from 0.24 on, asked for as application/json",
        ) from error


def _hashed(item: Mapping[str, Any]) -> Hashed:
    pieces = [(piece["type"], base64.b64decode(piece.get("data") or "", validate=True)) for piece in item["data"] or ()]
    skipped = sum(int.from_bytes(data, "little") for kind, data in pieces if kind == SKIP)
    return Hashed(item["digest"], item["type"], b"".join(data for kind, data in pieces if kind == DATA), skipped)


def lines_of(kind: str, data: bytes) -> list[str]:
    """A text of this kind as lines that can be compared."""
    if kind == "json":
        try:
            return [f"{name}: {value}" for name, value in _flat("", json.loads(data))]
        except (ValueError, RecursionError):
            return [_shown(data)]
    if kind == "file":
        return [_shown(found[0]) for found in HEADER.finditer(data)]
    return [_shown(part) for part in data.split(b"\0")]


def _flat(name: str, value: Any) -> Iterable[tuple[str, Any]]:
    """The fields of JSON with their paths; an action of a file operation is JSON in base64."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}" if name else key, inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _flat(f"{name}[{number}]", _action(inner) if name == "Actions" else inner)
    else:
        yield name, json.dumps(value, ensure_ascii=False)


def _action(text: Any) -> Any:
    try:
        return json.loads(base64.b64decode(text, validate=True))
    except (ValueError, TypeError, binascii.Error):
        return text


def _shown(data: bytes) -> str:
    text = data.decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def nearest(texts: Iterable[Hashed], kind: str, lines: list[str]) -> Hashed | None:
    """The text of this kind that shares most with these lines; None if there is no text of the kind.

    Of several files, one of the same size comes first: the header of a file does not contain its path.
    """
    size = {line for line in lines if line.startswith("size")}
    alike = [(lines_of(text.kind, text.data), text) for text in texts if text.kind == kind]
    found = [(_shared(lines, theirs), not size.isdisjoint(theirs), text) for theirs, text in alike]
    return max(found, key=lambda item: item[:2])[2] if found else None


def _shared(ours: list[str], theirs: list[str]) -> float:
    return SequenceMatcher(None, ours, theirs, autojunk=False).ratio()


def differences(ours: list[str], theirs: list[str]) -> tuple[list[str], list[str]]:
    """The lines that only the first text has, and those that only the second has."""
    only_ours: list[str] = []
    only_theirs: list[str] = []
    for word, start, end, begin, stop in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if word != "equal":
            only_ours += ours[start:end]
            only_theirs += theirs[begin:stop]
    return only_ours, only_theirs
