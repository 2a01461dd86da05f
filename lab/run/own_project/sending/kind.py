"""The protocol of a way to send a context to a box."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

from lab.boxes.base import Box
from lab.buildkit.contenthash.entry import Entry

Say = Callable[[str], None]
SECONDS = 3600  # the longest that sending may take
SILENCE = 120.0  # seconds in which the box takes nothing: it may write a large file to a slow disk


class Way(Protocol):
    """One way."""

    @property
    def summary(self) -> str:
        """What it keeps, in one line."""

    @property
    def exact(self) -> bool:
        """True if the box gets the same records as this machine has."""

    def send(self, box: Box, folder: Path, objects: Sequence[Entry], target: PurePosixPath, say: Say) -> None:
        """Make the objects of a folder of this machine in an empty folder of the box.

        Raises CommandError if that fails there, ContextError if an object cannot be read here.
        """
