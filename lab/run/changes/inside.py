"""The place of a change on this machine: no link of the context may lead a command out of it.

The text of a path lies in the context by its kind. Where it really leads is known only when the command is about to
run, because a change before it, or whoever made the files, may have put a link there.
"""

from __future__ import annotations

import os
from pathlib import Path

from lab.errors import CommandError
from lab.run.changes.kind import Shell


def need_inside(folder: Path, command: Shell, doing: str) -> None:
    """Raise CommandError if a path that the command uses leads out of a folder of this machine through a link."""
    for paths, follows in ((command.follows, True), (command.names, False)):
        for path in paths:
            if not is_inside(folder, path, follows=follows):
                raise CommandError(f"cannot {doing}: {path} leads out of the folder through a link")


def is_inside(folder: Path, path: str, *, follows: bool = True) -> bool:
    """True if a path below a folder really lies in it; with `follows` False a link at its end counts as itself."""
    place = f"{folder}/{path}"  # a text, because a Path drops the slash at the end, which lets a program follow a link
    if not follows and place.rpartition("/")[2] not in ("", ".", ".."):
        above, _, name = place.rpartition("/")
        real = Path(os.path.realpath(above), name)
    else:
        real = Path(os.path.realpath(place))
    return real.is_relative_to(os.path.realpath(folder))
