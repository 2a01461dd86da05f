"""The bulky part of every trial: in the page as text, or packed where there is too much of it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup

LIMITS = (400, 60, 12, 3)  # lines an output keeps; the first that lets the page stay small is taken
LEVEL = 6  # of gzip: 9 takes twice the time for one percent less
OPEN_ROOM = 600_000  # characters of it that may stand in the page as they are
PAGE_ROOM = 1_400_000  # characters of the whole page
WORTH = 0.95
STORE, MARK = 'id="store">', "packed"  # no text of a run can hold the first: its quotes are escaped


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


def fit(draw: Callable[[int], Sequence[Piece]], kept: Callable[[int], int], page: Callable[[Fitted], str]) -> str:
    """The page with as much in it as there is room for.

    `draw` gives the pieces for a limit of lines an output, `kept` how many lines of all outputs such a limit leaves.
    """
    drawn = cache(draw)
    pieces = drawn(LIMITS[0])
    if sum(len(piece.telling) + len(piece.proving) for piece in pieces) <= OPEN_ROOM:
        return page(Fitted(tuple(piece.telling + piece.proving for piece in pieces), ""))
    telling = tuple(piece.telling for piece in pieces)
    bare = page(Fitted(tuple(Markup() for _ in pieces), MARK, brief=True))
    room = PAGE_ROOM - len(bare.encode())
    left = room - len("".join(telling).encode())
    for limit in LIMITS[:2] if left > 0 else ():
        packed = pack([piece.proving for piece in drawn(limit)])
        if len(packed) <= left:
            return page(Fitted(telling, packed))
    packed, tried = "", LIMITS[0]
    for limit in LIMITS:
        if packed and limit != LIMITS[-1] and kept(limit) > kept(tried) * WORTH:
            continue  # hardly less than what did not fit, and packing takes its time
        tried, packed = limit, pack([piece.telling + piece.proving for piece in drawn(limit)])
        if len(packed) <= room:
            break
    return bare.replace(STORE + MARK, STORE + packed, 1)


def pack(pieces: Sequence[str]) -> str:
    """Base64 of the gzipped JSON list, which a browser unpacks with what it has built in."""
    data = json.dumps([str(piece) for piece in pieces], ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(data, LEVEL, mtime=0)).decode()
