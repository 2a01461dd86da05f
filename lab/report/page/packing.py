"""The large part of every trial: text in the page, or packed where there is too much of it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup

LIMITS = (400, 60, 12, 3)  # lines of each output; the first limit with which the page stays small is taken
LEVEL = 6  # of gzip: level 9 takes twice the time and saves one percent
OPEN_ROOM = 600_000  # characters of it that may be in the page as text
PAGE_ROOM = 1_400_000  # characters of the whole page
WORTH = 0.95
STORE, MARK = 'id="store">', "packed"  # no text of a run can hold the first one, because quotes are escaped


@dataclass(frozen=True, slots=True)
class Piece:
    """The markup of a trial or a phase: `summary` (Dockerfile and cause), `proof` (files and commands)."""

    summary: Markup
    proof: Markup


@dataclass(frozen=True, slots=True)
class Fitted:
    """The markup in the page, in the order of the pieces, and the rest of each piece, packed.

    `packed` is empty if all markup is in the page; `brief` is true if not even the summaries are.
    """

    open: tuple[Markup, ...]
    packed: str
    brief: bool = False


def fit(draw: Callable[[int], Sequence[Piece]], kept: Callable[[int], int], page: Callable[[Fitted], str]) -> str:
    """The page with as much text as there is room for.

    `draw` returns the pieces for a limit of lines for each output, `kept` the number of all lines that a limit leaves.
    """
    drawn = cache(draw)
    pieces = drawn(LIMITS[0])
    if sum(len(piece.summary) + len(piece.proof) for piece in pieces) <= OPEN_ROOM:
        return page(Fitted(tuple(piece.summary + piece.proof for piece in pieces), ""))
    summaries = tuple(piece.summary for piece in pieces)
    bare = page(Fitted(tuple(Markup() for _ in pieces), MARK, brief=True))
    room = PAGE_ROOM - len(bare.encode())
    left = room - len("".join(summaries).encode())
    for limit in LIMITS[:2] if left > 0 else ():
        packed = pack([piece.proof for piece in drawn(limit)])
        if len(packed) <= left:
            return page(Fitted(summaries, packed))
    packed, tried = "", LIMITS[0]
    for limit in LIMITS:
        if packed and limit != LIMITS[-1] and kept(limit) > kept(tried) * WORTH:
            continue  # hardly smaller than what did not fit, and packing is slow
        tried, packed = limit, pack([piece.summary + piece.proof for piece in drawn(limit)])
        if len(packed) <= room:
            break
    return bare.replace(STORE + MARK, STORE + packed, 1)


def pack(value: object) -> str:
    """Base64 of the gzipped JSON, which a browser can unpack without a library."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(data, LEVEL, mtime=0)).decode()
