"""Snapshots of this machine as a box: the data of the private engines that `up` has started."""

from __future__ import annotations

from collections.abc import Sequence

from lab.engines.data_root import DataRoot
from lab.machines.snapshots import PRISTINE


class LocalSnapshots:
    """A snapshot holds the data of every engine that was there when it was saved.

    The first state of an engine is one without images and cache. It can always be made, so no copy of it is kept.
    """

    def __init__(self, roots: Sequence[DataRoot]) -> None:
        self.roots = roots

    def names(self) -> list[str]:
        """The first state, and what was saved of any engine."""
        return list(dict.fromkeys([PRISTINE, *(name for root in self.roots for name in root.names())]))

    def save(self, name: str) -> None:
        """Copy the data of every engine."""
        for root in self.roots:
            root.save(name)

    def restore(self, name: str) -> None:
        """Set every engine back that the snapshot holds."""
        for root in self.roots:
            if name == PRISTINE:
                root.restore(None)
            elif name in root.names():
                root.restore(name)

    def remove(self, name: str) -> None:
        """Remove the copies."""
        for root in self.roots:
            if name in root.names():
                root.remove(name)
