"""The bulky part of every trial: in the page as text, or packed where there is too much of it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup

from lab.model import Exchange
from lab.page.commands import Stories

LIMITS = (400, 60, 12, 3)  # lines an output keeps; the first that lets the page stay small is taken
OPEN_ROOM = 600_000  # characters of it that may stand in the page as they are
PAGE_ROOM = 1_400_000  # characters of the whole page


@dataclass(frozen=True, slots=True)
class Piece:
    """What is shown of a trial or a phase: `telling` (Dockerfile and cause), `proving` (files and commands)."""

    telling: Markup
    proving: Markup


@dataclass(frozen=True, slots=True)
class Fitted:
    """Markup that stands in the page, by the order of the pieces, and the rest of each of them, packed.

    `packed` is empty if all of it stands in the page; `brief` is set if not even the telling part does.
    """

    open: tuple[Markup, ...]
    packed: str
    brief: bool = False


def fit(
    exchanges: Sequence[Exchange], draw: Callable[[Stories], Sequence[Piece]], bare: Callable[[Fitted], str]
) -> Fitted:
    """As much as there is room for; `draw` gives the pieces for one limit of lines, `bare` a page with these."""
    drawn = cache(lambda limit: draw(Stories(exchanges, limit)))
    pieces = drawn(LIMITS[0])
    if sum(len(piece.telling) + len(piece.proving) for piece in pieces) <= OPEN_ROOM:
        return Fitted(tuple(piece.telling + piece.proving for piece in pieces), "")
    nothing = tuple(Markup() for _ in pieces)
    room = PAGE_ROOM - len(bare(Fitted(nothing, "packed")).encode())
    telling = tuple(piece.telling for piece in pieces)
    left = room - len("".join(telling).encode())
    for limit in LIMITS[:2] if left > 0 else ():
        packed = pack([piece.proving for piece in drawn(limit)])
        if len(packed) <= left:
            return Fitted(telling, packed)
    fitted = Fitted(nothing, "")
    for limit in LIMITS:
        fitted = Fitted(nothing, pack([piece.telling + piece.proving for piece in drawn(limit)]), brief=True)
        if len(fitted.packed) <= room:
            break
    return fitted


def pack(pieces: Sequence[str]) -> str:
    """Base64 of the gzipped JSON list, which a browser unpacks with what it has built in."""
    data = json.dumps([str(piece) for piece in pieces], ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()
