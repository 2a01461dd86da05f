"""When a cell has waited or run for too long. Dask has no such limit for a cell whose worker is gone or frozen.

A task that is restricted to a worker that has died waits without end (https://github.com/dask/distributed/issues/7346).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Deadlines:
    """For each box, the cells that were given to the scheduler, and when anything was last heard of the box.

    A box makes one cell at a time. So if a cell of a box waits, and for `seconds` no cell has begun or ended there, the
    cell that runs there is too slow, or its worker is frozen or gone. `clock` gives seconds.
    """

    seconds: float
    clock: Callable[[], float]
    _cells: dict[str, dict[str, float]] = field(default_factory=dict)  # box -> cell -> since when it waits
    _heard: dict[str, float] = field(default_factory=dict)
    _running: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, box: str, cell: str) -> None:
        """A cell of this box has been given to the scheduler."""
        self._cells.setdefault(box, {})[cell] = self.clock()

    def drop(self, box: str, cell: str) -> None:
        """A cell has its result, and nothing waits for it any more."""
        self._cells.get(box, {}).pop(cell, None)
        if self._running.get(box, ("", ""))[0] == cell:
            del self._running[box]

    def begun(self, box: str, cell: str, worker: str) -> None:
        """A cell, of this run or another, has begun on a box."""
        self._running[box] = cell, worker
        self.hear(box)

    def ended(self, box: str, cell: str) -> None:
        """A cell, of this run or another, has ended on a box."""
        if self._running.get(box, ("", ""))[0] == cell:
            del self._running[box]
        self.hear(box)

    def hear(self, box: str) -> None:
        """Give a box its whole time again."""
        self._heard[box] = self.clock()

    def running(self, box: str) -> tuple[str, str] | None:
        """The cell that a box makes and the address of its worker; None if nothing is known to run."""
        return self._running.get(box)

    def overdue(self) -> list[str]:
        """The boxes of which a cell waits, and of which nothing was heard for too long."""
        now = self.clock()
        return [
            box
            for box, cells in self._cells.items()
            if cells and now - max(min(cells.values()), self._heard.get(box, 0.0)) > self.seconds
        ]
