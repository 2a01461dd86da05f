"""Simulates BuildKit's solver: which operations it loads from caches, which it runs, and which it never looks at.

An operation is found by the records of its inputs or, for files that it takes, by their digest. It needs no input if
it is found with a result. The order is that of BuildKit: records of inputs first; then the inputs without a match are
asked for more; then files are compared, for which the step that makes them must be complete.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.cachekeys.graph import Vertex
from lab.buildkit.cachekeys.matching import NONE, Key, Library

FRAMES = 4  # calls that one operation takes at most


@dataclass
class Simulation:
    """One run of the solver over a graph.

    `hopeful` states that whatever is not known is taken to match, so that as few operations as possible run; else as
    few as possible match, and as many as possible run. `ran` and `loaded` are the numbers of the operations that the
    solver runs and loads.
    """

    library: Library
    vertices: Sequence[Vertex]
    hopeful: bool
    ran: set[int] = field(default_factory=set)
    loaded: set[int] = field(default_factory=set)
    complete: set[int] = field(default_factory=set)
    slow: set[int] = field(default_factory=set)
    compared: dict[tuple[int, int], frozenset[Key]] = field(default_factory=dict)
    matches: dict[int, list[frozenset[Key]]] = field(default_factory=dict)
    known: list[frozenset[Key]] = field(default_factory=list)

    def keys(self, number: int) -> frozenset[Key]:
        """Return the records of an operation that are known so far."""
        for place in range(len(self.known), number + 1):  # inputs come before what they are inputs of
            self.known.append(self._keys(place))
        return self.known[number]

    def _keys(self, number: int) -> frozenset[Key]:
        vertex = self.vertices[number]
        if vertex.ignored:
            return NONE
        if not vertex.inputs:
            return self.library.sources(vertex, hopeful=self.hopeful)
        found = self.library.candidates(vertex, hopeful=self.hopeful)
        self.matches[number] = [
            self.library.linked(found, place, item, self.known[item.vertex]) | self.compared.get((number, place), NONE)
            for place, item in enumerate(vertex.inputs)
        ]
        first, *others = self.matches[number]
        return first.intersection(*others)

    def _maps(self, number: int) -> list[frozenset[Key]]:
        """Return the records that match each input, as far as they are known."""
        self.keys(number)
        return self.matches[number]

    def finish(self, number: int) -> None:
        """Make an operation complete: load it if it is found, else run it after its inputs."""
        if number in self.complete:
            return
        self.complete.add(number)
        vertex = self.vertices[number]
        if not vertex.inputs and vertex.record is None and not vertex.unclear:
            return  # a source
        if self._found(number):
            self.loaded.add(number)
            return
        for item in vertex.inputs:
            self.finish(item.vertex)
        self.ran.add(number)

    def _has_result(self, number: int) -> bool:
        return self.library.has_result(self.keys(number))

    def _found(self, number: int) -> bool:
        """True if a record with a result is found; inputs are completed where their files must be compared."""
        vertex = self.vertices[number]
        if self._has_result(number):
            return True
        if vertex.ignored or not vertex.inputs or not self._begin(number):
            return False
        for item in vertex.inputs:
            while not self._has_result(number) and item.vertex not in self.slow:
                self.ask(item.vertex)
        self._compare_rest(number, lambda: self._has_result(number))
        return self._has_result(number)

    def ask(self, number: int) -> None:
        """Look for more records of an operation, without making it complete.

        This ends as soon as one more is found, for whoever asked may need no others. `slow` are the operations of which
        no more can be found.
        """
        vertex, before = self.vertices[number], self.keys(number)
        if vertex.ignored or not vertex.inputs or (self._has_result(number) and not self._has_open(number)):
            self.slow.add(number)
            return
        if not self._begin(number):
            self.slow.add(number)
            return
        for item in vertex.inputs:
            while self.keys(number) == before and item.vertex not in self.slow:
                self.ask(item.vertex)
        self._compare_rest(number, lambda: self.keys(number) != before)
        if self.keys(number) == before:
            self.slow.add(number)

    def _begin(self, number: int) -> bool:
        """Look for records at the inputs that match none yet; False if one remains, so that no match is possible."""
        for place, item in enumerate(self.vertices[number].inputs):
            while not self._maps(number)[place] and item.vertex not in self.slow:
                self.ask(item.vertex)
            if not self._maps(number)[place] and item.hashed:
                self._compare(number, place)
        return all(self._maps(number))

    def _compare_rest(self, number: int, is_enough: Callable[[], bool]) -> None:
        """Compare the files of the inputs that were not compared yet, until it is enough.

        BuildKit compares them at the same time, so that the worst case is that it completes all of them.
        """
        if is_enough():
            return
        for place, item in enumerate(self.vertices[number].inputs):
            if item.hashed and (number, place) not in self.compared and not (self.hopeful and is_enough()):
                self._compare(number, place)

    def _has_open(self, number: int) -> bool:
        """True if inputs match records that the operation as a whole does not match yet."""
        found = self.keys(number)
        still = [keys - found for keys in self._maps(number)]
        return bool(still) and all(still)

    def _compare(self, number: int, place: int) -> None:
        """Look for records by the digest of the files of one input, which must be complete for that."""
        if (number, place) in self.compared:
            return
        vertex = self.vertices[number]
        item = vertex.inputs[place]
        self.finish(item.vertex)
        found = self.library.candidates(vertex, hopeful=self.hopeful)
        self.compared[number, place] = self.library.by_content(found, place, item, hopeful=self.hopeful)
        del self.known[number:]  # later operations may be found by these records


def simulate(caches: Sequence[Cache], vertices: Sequence[Vertex], final: int | None, *, hopeful: bool) -> Simulation:
    """Return what the solver does to make the final operation complete."""
    made = Simulation(Library(caches), vertices, hopeful)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, FRAMES * len(vertices) + limit))  # operations may form one long chain
    try:
        if final is not None:
            made.finish(final)
    finally:
        sys.setrecursionlimit(limit)
    return made
