"""Which part of a matrix a stored run is."""

from __future__ import annotations

from pydantic import Field

from lab.yamlfile import Strict


class ShardFacts(Strict):
    """Which part of a matrix a run has: its `numbers`, from 1, of `count` shards.

    `cells` are the names of the trials of all shards. `sums` has what they are made of, such as the scenario and the
    engines, with the value or the sum of each part: runs are merged only if these are the same.
    """

    numbers: tuple[int, ...]
    count: int
    cells: tuple[str, ...] = ()
    sums: dict[str, dict[str, str]] = Field(default_factory=dict)

    def __str__(self) -> str:
        return f"{','.join(map(str, self.numbers))}/{self.count}"
