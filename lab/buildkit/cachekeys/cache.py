"""A build cache as BuildKit exports it: records that link to each other by number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a record by its number in the list; `selector` is "" if the link means the whole result."""

    number: int
    selector: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the alternative records of each input, and the cache's layers that are its result.

    `has_result` is true if the record has a layer, or a chain of layers, that can be loaded.
    """

    digest: str
    inputs: tuple[tuple[Link, ...], ...] = ()
    layers: tuple[int, ...] = ()
    has_result: bool = False


@dataclass(frozen=True)
class Cache:
    """All records of one cache, inline or exported; several records may have the same digest."""

    records: tuple[Record, ...]

    @cached_property
    def by_digest(self) -> dict[str, tuple[int, ...]]:
        """The numbers of the records with each digest."""
        found: dict[str, tuple[int, ...]] = {}
        for number, item in enumerate(self.records):
            found[item.digest] = (*found.get(item.digest, ()), number)
        return found

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
