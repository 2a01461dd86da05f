"""Finds the records of operations in caches, as BuildKit's cache managers do: by definition, inputs and selectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.cachekeys.graph import Input, Vertex

Key = tuple[int, int]  # the number of a cache, and of a record in it
NONE: frozenset[Key] = frozenset()


@dataclass
class Library:
    """The records of all caches; a chain of records never goes from one cache to another."""

    caches: Sequence[Cache]

    def numbered(self, digest: str) -> list[Key]:
        """Return the records with a digest."""
        return [(place, number) for place, cache in enumerate(self.caches) for number in cache.numbers(digest)]

    @cached_property
    def roots(self) -> frozenset[Key]:
        """All records without inputs: those of sources and of contents."""
        return frozenset(key for key in self.every if not self.inputs(key))

    @cached_property
    def every(self) -> list[Key]:
        """All records."""
        return [(place, number) for place, cache in enumerate(self.caches) for number in range(len(cache.records))]

    def inputs(self, key: Key) -> Sequence[Sequence[tuple[int, str]]]:
        """Return the alternative links of each input of a record: record numbers and selectors."""
        record = self.caches[key[0]].records[key[1]]
        return [[(link.number, link.selector) for link in links] for links in record.inputs]

    def has_result(self, keys: Iterable[Key]) -> bool:
        """True if one of the records has layers that can be loaded."""
        return any(self.caches[place].records[number].has_result for place, number in keys)

    def sources(self, vertex: Vertex, *, hopeful: bool) -> frozenset[Key]:
        """Return the records of a source, or of an operation without inputs; all that may be ones if `hopeful`."""
        if vertex.unclear or vertex.open:
            known = {key for root in vertex.roots for key in self.numbered(root)} & self.roots
            return self.roots if hopeful else frozenset(known)
        digests = (vertex.record,) if vertex.record else vertex.roots
        return frozenset(key for digest in digests for key in self.numbered(digest) if key in self.roots)

    def candidates(self, vertex: Vertex, *, hopeful: bool) -> list[Key]:
        """Return the records that have the definition of an operation; all of its shape if that is not known."""
        anything = self.every if hopeful else []
        found = anything if vertex.record is None else self.numbered(vertex.record)
        return [key for key in found if len(self.inputs(key)) == len(vertex.inputs)]

    def linked(self, found: Iterable[Key], place: int, item: Input, above: frozenset[Key]) -> frozenset[Key]:
        """Return those of some records that are linked, at an input, to a record of what comes in there."""
        return frozenset(
            key
            for key in found
            if any(
                (key[0], number) in above and (selector == item.selector or item.selector == "?")
                for number, selector in self.inputs(key)[place]
            )
        )

    def by_content(self, found: Iterable[Key], place: int, item: Input, *, hopeful: bool) -> frozenset[Key]:
        """Return those of some records that are linked, at an input, to the digest of its files.

        If the digest is not known, these are all that are linked to any digest if `hopeful`, or else none.
        """
        wanted = frozenset(self.numbered(item.content)) if item.content else self.roots if hopeful else NONE
        return frozenset(
            key
            for key in found
            if any((key[0], number) in wanted and not selector for number, selector in self.inputs(key)[place])
        )
