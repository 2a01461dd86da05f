"""How operations are found in the records of caches."""

from __future__ import annotations

from lab.buildkit.cachekeys.cache import Cache, Link, Record
from lab.buildkit.cachekeys.graph import Input, Vertex
from lab.buildkit.cachekeys.matching import Library

CACHES = (
    Cache((Record("base"), Record("content"), Record("copy", ((Link(0, "s"),), (Link(1),)), (0,), True))),
    Cache((Record("base"), Record("run", ((Link(0),),)))),
)
LIBRARY = Library(CACHES)


def test_records_of_sources() -> None:
    known, unknown = Vertex(None, roots=("base",)), Vertex(None, roots=("base",), open=True)
    assert LIBRARY.sources(known, hopeful=True) == LIBRARY.sources(known, hopeful=False) == {(0, 0), (1, 0)}
    assert LIBRARY.sources(unknown, hopeful=False) == {(0, 0), (1, 0)}
    assert LIBRARY.sources(unknown, hopeful=True) == {(0, 0), (0, 1), (1, 0)}


def test_records_of_operations_have_their_number_of_inputs() -> None:
    one, two = (Input(0),), (Input(0), Input(1))
    assert LIBRARY.candidates(Vertex("copy", two), hopeful=False) == [(0, 2)]
    assert LIBRARY.candidates(Vertex("copy", one), hopeful=False) == []
    assert LIBRARY.candidates(Vertex(None, one, unclear="why"), hopeful=True) == [(1, 1)]
    assert LIBRARY.candidates(Vertex(None, one, unclear="why"), hopeful=False) == []


def test_links_state_a_selector() -> None:
    above = frozenset({(0, 0), (1, 0)})
    found = [LIBRARY.linked([(0, 2)], 0, Input(0, selector), above) for selector in ("s", "", "?")]
    assert found == [{(0, 2)}, frozenset(), {(0, 2)}]
    assert LIBRARY.linked([(0, 2)], 0, Input(0, "s"), frozenset({(1, 0)})) == frozenset()  # of another cache


def test_contents() -> None:
    known, other, unknown = (Input(1, hashed=True, content=text) for text in ("content", "other", None))
    assert LIBRARY.by_content([(0, 2)], 1, known, hopeful=False) == {(0, 2)}
    assert LIBRARY.by_content([(0, 2)], 1, other, hopeful=True) == frozenset()
    assert LIBRARY.by_content([(0, 2)], 1, unknown, hopeful=True) == {(0, 2)}
    assert LIBRARY.by_content([(0, 2)], 1, unknown, hopeful=False) == frozenset()
    assert LIBRARY.has_result([(0, 2)]) and not LIBRARY.has_result([(1, 1)])
