"""The bulky part of every trial: in the page as text, or packed where there is too much of it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lab.page.commands import Stories
from lab.page.entries import Entry

LIMITS = (400, 60, 12, 3)  # lines an output keeps; the first that lets the page stay small is taken
OPEN_ROOM = 600_000  # characters of markup that may stand in the page as they are: for each of the two parts
PACKED_ROOM = 480_000  # characters of base64


@dataclass(frozen=True, slots=True)
class Piece:
    """What is shown of a trial or a phase: `telling` (Dockerfile and cause), `proving` (files and commands)."""

    telling: Markup
    proving: Markup


@dataclass(frozen=True, slots=True)
class Evidence:
    """Markup that stands in the page, by the order of the pieces, and the rest of each of them, packed.

    `packed` is empty if all of it stands in the page; `brief` is set if not even the telling part does.
    """

    open: tuple[Markup, ...]
    packed: str
    brief: bool = False


def gather(commands: Sequence[Entry], draw: Callable[[Stories], Sequence[Piece]]) -> Evidence:
    """Draw all pieces, with shorter output until they fit; `draw` gives them for one limit of lines."""
    evidence = Evidence((), "")
    for limit in LIMITS:
        evidence = _fit(draw(Stories(commands, limit)))
        if len(evidence.packed) <= PACKED_ROOM:
            break
    return evidence


def _fit(pieces: Sequence[Piece]) -> Evidence:
    if sum(len(piece.telling) + len(piece.proving) for piece in pieces) <= OPEN_ROOM:
        return Evidence(tuple(piece.telling + piece.proving for piece in pieces), "")
    if sum(len(piece.telling) for piece in pieces) <= OPEN_ROOM:
        return Evidence(tuple(piece.telling for piece in pieces), pack([piece.proving for piece in pieces]))
    whole = [piece.telling + piece.proving for piece in pieces]
    return Evidence(tuple(Markup() for _ in pieces), pack(whole), brief=True)


def pack(pieces: Sequence[str]) -> str:
    """Base64 of the gzipped JSON list, which a browser unpacks with what it has built in."""
    data = json.dumps([str(piece) for piece in pieces], ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()
