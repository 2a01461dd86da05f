"""The recorder and the transcript of a cell on a worker: they keep what the cell makes until it is sent home."""

from __future__ import annotations

from pathlib import Path

from lab.boxes.base import Result
from lab.results.contexts import Packed
from lab.results.facts import BoxFacts
from lab.results.run import Production, Run, Trial
from lab.run.distributed.parcels import Item
from lab.run.recorder import Recorder


class Collector(Recorder):
    """A recorder that writes no file; what was added waits in `items` and `contexts`."""

    def __init__(self, run: Run) -> None:
        super().__init__(Path(run.name), run)
        self.items: list[Item] = []
        self.contexts: list[Packed] = []

    def add(self, item: BoxFacts | Production | Trial) -> None:
        """Keep an item; the run grows by facts and productions alone, so a worker needs no memory for trials."""
        self.items.append(item)
        if not isinstance(item, Trial):
            super().add(item)

    def keep(self, packed: Packed) -> str:
        """Keep a context and return its key; each cell sends its own, since the parcel of another may be lost."""
        self.contexts.append(packed)
        return packed.key

    def _append(self, item: BoxFacts | Production | Trial) -> None:
        """Write nothing."""

    def _save(self, drawn: str | None = None) -> None:
        """Write nothing."""


class Exchanges:
    """A record of commands in memory."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str, Result]] = []

    def record(self, box: str, about: str, result: Result) -> None:
        """Add one command and its result; `about` is the trial or phase to which it belongs."""
        self.made.append((box, about, result))
