"""What one step takes of the build context: the files of a COPY or ADD, or those that a RUN mounts."""

from __future__ import annotations

from collections.abc import Iterable

from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.graph import Input
from lab.buildkit.cachekeys.instruction import Instruction
from lab.buildkit.cachekeys.mounting import read_mount
from lab.buildkit.cachekeys.words import WordError

UNREAD_MOUNT = "what it mounts is not known: a mount is malformed, or depends on a variable that is not known"


def taken(item: Instruction, copy: Copy | None, inputs: Iterable[Input]) -> Copy | None:
    """Return what a step takes of the context; None if nothing. A mount that cannot be read makes it unclear.

    `copy` is that of a COPY or ADD, with its variables expanded, and `inputs` are those of the step's operation.
    """
    if copy:
        return copy if copy.from_context else None
    mounts = [value for name, value in item.flags if name == "mount"]
    if item.word != "RUN" or not mounts:
        return None
    asked = [each.request for each in inputs if each.hashed and each.request and not each.request.origin]
    if asked:
        return next((request for request in asked if request.paths), None)
    return Copy((), "", unclear=UNREAD_MOUNT) if any(map(_takes_context, mounts)) else None


def _takes_context(text: str) -> bool:
    """True for a mount of the context, as far as its text shows without the values of variables."""
    try:
        mount = read_mount(text, str)
    except WordError:
        return True
    return mount.kind == "bind" and not mount.origin
