"""The graph of operations that BuildKit solves: sources, commands, file operations and merges."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.definition import Definition, record


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a vertex: the vertex that it comes from, and how its keys are looked up.

    `selector` is the selector of the link to that vertex's record. `hashed` is true if the input can also be found by
    the digest of its files; `content` is that digest's record, None if it is not known. `request` says which files.
    """

    vertex: int
    selector: str = ""
    hashed: bool = False
    content: str | None = None
    request: Copy | None = None


@dataclass(frozen=True, slots=True)
class Vertex:
    """One operation.

    `record` is the record of its definition; None if it is not known, and `unclear` is the reason. `roots` are the
    records of a source, any of which BuildKit looks up; `open` states that it may have others, which are not known.
    `ignored` states that BuildKit must not look the vertex up (--no-cache-filter). `definition` is the JSON that the
    record is of.
    """

    record: str | None
    inputs: tuple[Input, ...] = ()
    roots: tuple[str, ...] = ()
    unclear: str | None = None
    ignored: bool = False
    open: bool = False
    definition: str | None = None

    @property
    def is_source(self) -> bool:
        """True for an image, the context, a download or a repository."""
        return not self.inputs and self.record is None and self.unclear is None


@dataclass(slots=True)
class Graph:
    """Vertexes in the order in which they were added; equal operations on equal inputs are one vertex."""

    vertices: list[Vertex] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)

    def add(self, vertex: Vertex, identity: object) -> int:
        """Add a vertex and return its number; the number of the equal one if there is one already.

        `identity` is what BuildKit's own digest of the operation covers, beside the inputs.
        """
        key = json.dumps([identity, [item.vertex for item in vertex.inputs]], default=str)
        if key in self.known:
            number = self.known[key]
            old = self.vertices[number]
            if vertex.ignored and not old.ignored:
                self.vertices[number] = Vertex(old.record, old.inputs, old.roots, old.unclear, ignored=True)
            return number
        self.vertices.append(vertex)
        self.known[key] = len(self.vertices) - 1
        return self.known[key]

    def operation(
        self,
        definition: Definition | str,
        inputs: Sequence[Input],
        identity: object,
        *,
        ignored: bool = False,
    ) -> int:
        """Add an operation with its definition, or with the reason why that is not known."""
        if isinstance(definition, str):
            # two operations that are not known may differ, so they are never the same vertex
            return self.add(
                Vertex(None, tuple(inputs), unclear=definition, ignored=ignored), [identity, len(self.vertices)]
            )
        vertex = Vertex(record(definition.digest), tuple(inputs), ignored=ignored, definition=definition.json)
        return self.add(vertex, identity)

    def source(self, roots: Sequence[str], identity: object, *, known: bool = True) -> int:
        """Add a source with its records; `known` is false if it may have others."""
        return self.add(Vertex(None, roots=tuple(roots), open=not known), ["source", identity])
