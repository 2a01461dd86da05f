"""Every part of a pack by name: a new part is one module in this package and one line here."""

from __future__ import annotations

from collections.abc import Callable, Collection

from lab.errors import UsageError, did_you_mean
from lab.machines.pack.gathering import Item, Request
from lab.machines.pack.parts import base, boxes, debian, docs, engines, lessons, wheels

PARTS: dict[str, Callable[[Request], list[Item]]] = {
    "boxes": boxes.gather,
    "engines": engines.gather,
    "base": base.gather,
    "wheels": wheels.gather,
    "debian": debian.gather,
    "lessons": lessons.gather,
    "docs": docs.gather,
}


def gather(request: Request, without: Collection[str] = ()) -> list[Item]:
    """The files of every part but those left out.

    Raises UsageError for the name of no part or of no lesson before the first part is gathered.
    """
    for name in without:
        if name not in PARTS:
            raise UsageError(
                f'cannot leave out "{name}": a pack has no such part{did_you_mean(name, list(PARTS))}',
                hint=f"parts: {', '.join(PARTS)}",
            )
    if "lessons" not in without:
        lessons.chosen(request)
    return [item for name, part in PARTS.items() if name not in without for item in part(request)]
