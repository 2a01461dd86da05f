"""Home folders in a transcript, found in its bytes, so that a report without commands need not read all of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

HOME = re.compile(r"(?:/home|/Users|/var/home)/([^/\s'\":;,|&<>()\[\]]{1,64})|[A-Za-z]:\\Users\\([^\\\s'\":;,]{1,64})")
# What a name begins after, as JSON writes it, and the rest of the text that may hold the name. `bytes.find` reads 100
# MB in a twentieth of a second, where a pattern takes seconds.
_STARTS = {
    b"/home/": re.compile(rb'[^/"]*'),
    b"/Users/": re.compile(rb'[^/"]*'),
    b"\\\\Users\\\\": re.compile(rb'[^"]*'),
}
_BASE64 = b'{"base64": '


@dataclass(frozen=True, slots=True)
class Home:
    """A home folder: its user, and whether a command ran below it."""

    user: str
    used: bool


def homes_of(transcript: bytes) -> dict[str, Home]:
    """The home folders that a transcript names, by their paths.

    It is what `HOME` finds in the decoded texts. Outputs that are not UTF-8 are not searched: see `has_bytes`.
    """
    found: dict[str, str] = {}
    for raw in dict.fromkeys(_pieces(transcript)):
        for match in HOME.finditer(_decoded(raw)):
            found.setdefault(match[0], match[1] or match[2])
    return {path: Home(user, _runs_below(transcript, path)) for path, user in found.items()}


def has_bytes(transcript: bytes) -> bool:
    """True if the transcript holds an output that is not UTF-8, which only a full reading decodes."""
    return _BASE64 in transcript


def _runs_below(transcript: bytes, home: str) -> bool:
    return f'"cwd": {json.dumps(home, ensure_ascii=False)[:-1]}/'.encode("utf-8", "surrogatepass") in transcript


def _pieces(transcript: bytes) -> Iterator[bytes]:
    for start, rest in _STARTS.items():
        place = transcript.find(start)
        while place >= 0:
            match = rest.match(transcript, place + len(start))
            end = match.end() if match else place + len(start)
            before = transcript[max(0, place - len(b"/var")) : place]
            path = before if before == b"/var" else before[-len(b"C:") :] if before.endswith(b":") else b""
            yield path + transcript[place:end]
            place = transcript.find(start, end)


def _decoded(raw: bytes) -> str:
    """The text of a piece of a JSON string, which may end inside an escape."""
    text = raw.decode("utf-8", "replace")
    for end in _ends(text):
        try:
            return str(json.loads(f'"{text[:end]}"', strict=False))
        except ValueError:
            continue
    return text


def _ends(text: str) -> Iterator[int]:
    """Where the piece may be cut so that its last escape is whole; the longest first."""
    yield from range(len(text), max(0, len(text) - 6), -1)
