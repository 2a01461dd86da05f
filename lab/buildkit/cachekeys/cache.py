"""A build cache as BuildKit exports it: records that link to each other by number, and the layers of their results."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a record by its number in the list; `selector` is "" if the link means the whole result."""

    number: int
    selector: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the alternative records of each input, and the cache's layers that are its result.

    `layers` has the number of the top layer of each result that can be loaded, and `has_result` is true if there is
    one. `created` is the time of the newest of them, which BuildKit takes; None if the cache states no time. The last
    `chains` of `layers` are results of several layers, which BuildKit reads from 0.10 on.
    """

    digest: str
    inputs: tuple[tuple[Link, ...], ...] = ()
    layers: tuple[int, ...] = ()
    has_result: bool = False
    created: datetime | None = None
    chains: int = 0


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a cache: digest of its blob, size of the blob in bytes, time of its creation, number of its parent.

    `size` and `created` are None where the cache does not state them; `parent` is None for a lowest layer.
    """

    digest: str
    size: int | None = None
    created: datetime | None = None
    parent: int | None = None


@dataclass(frozen=True)
class Cache:
    """All records of one cache, inline or exported; several records may have the same digest.

    `layers` are those that the records name by number. An inline cache names the layers of its image; they are empty
    if only the image's config is known.
    """

    records: tuple[Record, ...]
    layers: tuple[Layer, ...] = ()

    def without_chains(self) -> Cache:
        """Return the cache as a BuildKit before 0.10 reads it: without the results of several layers."""
        if not any(record.chains for record in self.records):
            return self
        return replace(self, records=tuple(map(_single, self.records)))

    @cached_property
    def by_digest(self) -> dict[str, tuple[int, ...]]:
        """The numbers of the records with each digest."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for number, item in enumerate(self.records):
            found[item.digest].append(number)
        return {digest: tuple(numbers) for digest, numbers in found.items()}

    def numbers(self, digest: str) -> tuple[int, ...]:
        """Return the numbers of the records with a digest; empty if it is not listed."""
        return self.by_digest.get(digest, ())

    def contents(self, definition: str) -> frozenset[str]:
        """Return the content records that the cache lists for a COPY with this record, at its last input."""
        found = set()
        for number in self.numbers(definition):
            inputs = self.records[number].inputs
            links = inputs[-1] if inputs else ()
            found |= {self.records[link.number].digest for link in links if not self.records[link.number].inputs}
        return frozenset(found)

    def chain(self, layer: int) -> tuple[Layer, ...]:
        """Return the layers below a layer and the layer itself, the lowest first; empty if the number is not known."""
        found: list[Layer] = []
        number: int | None = layer
        while number is not None and 0 <= number < len(self.layers) and len(found) <= len(self.layers):
            found.append(self.layers[number])
            number = self.layers[number].parent
        return tuple(reversed(found))


def _single(record: Record) -> Record:
    layers = record.layers[: len(record.layers) - record.chains]
    return replace(record, layers=layers, has_result=bool(layers), chains=0) if record.chains else record
