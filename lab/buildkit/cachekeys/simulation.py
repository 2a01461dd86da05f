"""Simulates BuildKit's solver: which operations it loads from caches, which it runs, and which it never looks at.

An operation is found by the records of its inputs or, for files that it takes, by their digest. It needs no input if
it is found with a result. The order is that of BuildKit: records of inputs first; then the inputs without a match are
asked for more; then files are compared, for which the step that makes them must be complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.cachekeys.graph import Vertex
from lab.buildkit.cachekeys.matching import NONE, Key, Library


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
    asked: set[int] = field(default_factory=set)
    maps: dict[int, list[frozenset[Key]]] = field(default_factory=dict)

    def keys(self, number: int) -> frozenset[Key]:
        """Return the records of an operation that are known so far."""
        vertex = self.vertices[number]
        if vertex.ignored:
            return NONE
        if not vertex.inputs:
            return self.library.sources(vertex, hopeful=self.hopeful)
        maps = self._maps(number)
        return maps[0].intersection(*maps[1:])

    def _maps(self, number: int) -> list[frozenset[Key]]:
        """Return the records that match each input, as far as they are known by the inputs' own records."""
        vertex = self.vertices[number]
        maps = self.maps.setdefault(number, [NONE for _ in vertex.inputs])
        if not vertex.ignored:
            found = self.library.candidates(vertex, hopeful=self.hopeful)
            for place, item in enumerate(vertex.inputs):
                maps[place] |= self.library.linked(found, place, item, self.keys(item.vertex)) if found else NONE
        return maps

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
        if vertex.ignored or not vertex.inputs:
            return False
        for place, item in enumerate(vertex.inputs):
            if not self._maps(number)[place]:
                self.ask(item.vertex)
                if not self._maps(number)[place] and item.hashed:
                    self._compare(number, place)
        if not all(self._maps(number)):
            return False
        for item in vertex.inputs:
            if self._has_result(number):
                return True
            self.ask(item.vertex)
        for place, item in enumerate(vertex.inputs):
            if not self._has_result(number) and item.hashed:
                self._compare(number, place)
        return self._has_result(number)

    def ask(self, number: int) -> None:
        """Find all records of an operation, without making it complete."""
        vertex = self.vertices[number]
        if number in self.asked or vertex.ignored or not vertex.inputs:
            return
        self.asked.add(number)
        if self._has_result(number) and not self._has_open(number):
            return
        for item in vertex.inputs:
            self.ask(item.vertex)
        if self._has_result(number) and not self._has_open(number):
            return
        for place, item in enumerate(vertex.inputs):
            if item.hashed:
                self._compare(number, place)

    def _has_open(self, number: int) -> bool:
        """True if inputs match records that the operation as a whole does not match yet."""
        found = self.keys(number)
        still = [keys - found for keys in self._maps(number)]
        return bool(still) and all(still)

    def _compare(self, number: int, place: int) -> None:
        """Look for records by the digest of the files of one input, which must be complete for that."""
        vertex = self.vertices[number]
        item = vertex.inputs[place]
        self.finish(item.vertex)
        found = self.library.candidates(vertex, hopeful=self.hopeful)
        self._maps(number)[place] |= self.library.by_content(found, place, item, hopeful=self.hopeful)


def simulate(caches: Sequence[Cache], vertices: Sequence[Vertex], final: int | None, *, hopeful: bool) -> Simulation:
    """Return what the solver does to make the final operation complete."""
    made = Simulation(Library(caches), vertices, hopeful)
    if final is not None:
        made.finish(final)
    return made
